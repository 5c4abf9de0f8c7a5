/**
 * Runs a script or a tool of this project on the Node version it is pinned to:
 *
 *     node hack/run.mjs hack/demo.ts --nodes 3
 *     node hack/run.mjs vitest run --project unit
 *
 * Installs the dependencies first when node_modules is not what package-lock.json says. Plain JavaScript without
 * dependencies: it has to work on the Node of a fresh machine (20 or newer) before anything is installed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const binaries = join(root, 'node_modules', '.bin');
/** First major version that runs this project's source. */
const NODE_MAJOR = 24;
const PARENT_POLL_MS = 1000;

/** The packages of a lock file by path, or nothing when it is not there. */
function packagesOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

const same = (a, b) => a.version === b.version && a.integrity === b.integrity;

/** npm records what it installed in the same form as what it was asked to: compare the two. */
function isInstalled() {
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const present = packagesOf(join(root, 'node_modules', '.package-lock.json'));
  if (wanted === undefined || present === undefined) return false;
  const paths = Object.keys(wanted).filter((path) => path !== '');
  return (
    paths.every((path) =>
      present[path] === undefined ? wanted[path].optional === true : same(wanted[path], present[path]),
    ) && Object.keys(present).every((path) => wanted[path] !== undefined)
  );
}

function install() {
  console.error('Installing the dependencies that package-lock.json names');
  const startedAt = performance.now();
  const args = [
    'ci',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    '--update-notifier=false',
  ];
  // Its output is progress, not ours: standard output belongs to the target.
  const { status, error } = spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (error) fail(`npm could not be run: ${error.message}`);
  if (status !== 0) fail('npm ci failed; its message is above');
  console.error(`Installed in ${Math.round((performance.now() - startedAt) / 1000)} s`);
}

/** The pinned Node of node_modules if there is one for this machine, else this one if it is new enough. */
function findNode() {
  const pinned = join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
  // Run once: a binary for another C library exists and does not start.
  if (existsSync(pinned) && spawnSync(pinned, ['--version']).status === 0) return pinned;
  if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) return process.execPath;
  return fail(
    `This project runs on Node ${NODE_MAJOR}. No pinned one is installed for ${process.platform}-${process.arch}, ` +
      `and this is ${process.version}: install Node ${NODE_MAJOR} or newer from https://nodejs.org.`,
  );
}

/** A file of ours as it is; anything else is a tool of node_modules. */
function findTarget(name) {
  if (/\.(ts|mjs|js)$/.test(name)) return resolve(name);
  const tool = join(binaries, name);
  if (!existsSync(tool)) fail(`${name} is neither a script nor an installed tool`);
  return realpathSync(tool);
}

/** Passes on how the child ended: its exit code, or 128 + signal as a shell would. */
function passOn(child) {
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  // A terminal sends Ctrl-C to the child as well; without one we are the only one that got it.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  child.once('error', (error) => fail(error.message));
  child.once('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
    clearInterval(orphanCheck);
  });
  // npm killed without a chance to tell us: end, rather than run on unseen.
  const before = ancestry();
  const orphanCheck = setInterval(() => {
    if (process.env.npm_lifecycle_event !== undefined && ancestry() !== before) child.kill('SIGTERM');
  }, PARENT_POLL_MS);
}

/** Our parent, which may be the shell that npm runs scripts with, and its parent. */
function ancestry() {
  const parent = process.ppid;
  try {
    const stat = readFileSync(`/proc/${parent}/stat`, 'utf8');
    return `${parent} ${stat.slice(stat.lastIndexOf(')')).split(' ')[2]}`;
  } catch {
    return String(parent);
  }
}

function fail(message) {
  console.error(message);
  // oxlint-disable-next-line unicorn/no-process-exit -- nothing is running yet, and nothing can go on
  process.exit(1);
}

const [name, ...args] = process.argv.slice(2);
if (name === undefined) fail('Usage: node hack/run.mjs SCRIPT|TOOL [ARGUMENT…]');
if (!isInstalled()) install();
const node = findNode();
const path = [dirname(node), binaries, process.env.PATH ?? ''].join(delimiter);
passOn(spawn(node, [findTarget(name), ...args], { stdio: 'inherit', env: { ...process.env, PATH: path } }));
