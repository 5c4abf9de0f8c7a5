import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isLeftover, knownClusters, sweep } from './sweep.ts';

let root: string;
let dir: string;
/** Of no cluster that anybody has. */
const name = `sweep-${process.pid}`;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'brupop-sweep-'));
  dir = join(root, name);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(...files: string[]): void {
  for (const file of files) {
    const path = join(dir, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, '');
  }
}

const files = (): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name).slice(dir.length + 1))
    .toSorted();

test('what a cluster left is found by its spec, and removed', async () => {
  expect(await sweep({ name, dir })).toBe(false);
  write('cluster.json', 'controlplane/tokens.csv', 'logs/daemon.log');
  expect(await isLeftover(name, dir)).toBe(true);
  expect(await knownClusters(root)).toContain(name);
  expect(await sweep({ name, dir })).toBe(true);
  expect(readdirSync(root)).toEqual([]);
});

test('only logs stay when it is to be known why it did not come up, and they are no leftover', async () => {
  write('cluster.json', 'logs/daemon.log', 'controlplane/logs/etcd.log', 'controlplane/etcd/db');
  write('machines/node-1/log/kubelet.log', 'machines/node-1/kubelet/x', 'machines/node-2/kubelet/x');
  await sweep({ name, dir, keepLogs: true });
  expect(files()).toEqual([
    'controlplane/logs/etcd.log',
    'logs/daemon.log',
    'machines/node-1/log/kubelet.log',
  ]);
  expect(await isLeftover(name, dir)).toBe(false);
});

test('a directory that is no state of a cluster is left alone', async () => {
  write('photo.jpg');
  await sweep({ name, dir });
  expect(files()).toEqual(['photo.jpg']);
});
