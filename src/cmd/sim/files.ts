/** Stories as files. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { SCENARIO_FORMAT } from '../../sim/scenario/scenario.ts';
import type { Scenario } from '../../sim/scenario/scenario.ts';

/** A file that is no story. */
export class ScenarioFileError extends Error {
  override readonly name = 'ScenarioFileError';
  readonly path: string;

  constructor(path: string, why: string, cause?: unknown) {
    super(`${path}: ${why}`, cause === undefined ? undefined : { cause });
    this.path = path;
  }
}

const LISTS = ['nodes', 'releases', 'policies', 'events'] as const satisfies (keyof Scenario)[];

/** @throws ScenarioFileError naming the field */
export function readScenario(path: string): Scenario {
  const scenario = parse(path) as Partial<Scenario>;
  if (scenario.format !== SCENARIO_FORMAT) {
    throw new ScenarioFileError(
      path,
      `format: ${SCENARIO_FORMAT} is needed, ${String(scenario.format)} is there`,
    );
  }
  for (const field of LISTS) {
    if (!Array.isArray(scenario[field])) throw new ScenarioFileError(path, `${field}: a list is needed`);
  }
  if (typeof scenario.seed !== 'string') throw new ScenarioFileError(path, 'seed: a text is needed');
  return scenario as Scenario;
}

function parse(path: string): object {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as object;
  } catch (error) {
    throw new ScenarioFileError(path, (error as Error).message, error);
  }
}

/** Makes the folder too. */
export function writeScenario(path: string, scenario: Scenario): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(scenario, null, 2)}\n`);
}
