/** Policies from files: globs are made absolute, each document is checked as the API would. */
import { globSync, readFileSync } from 'node:fs';
import toAbsoluteGlob from '@dsherret/to-absolute-glob';
import { parseAllDocuments } from 'yaml';
import type { UpdatePolicy } from '../../api/v1/updatepolicy.ts';
import { validateObject } from '../../api/validation/validate.ts';
import { validatePolicy } from '../../policy/validate.ts';

/** A file that holds no usable policy; the message names file, field and remedy. */
export class PolicyFileError extends Error {
  override readonly name = 'PolicyFileError';
}

/** Reads every UpdatePolicy of the files. @throws PolicyFileError */
export function readPolicies(patterns: readonly string[], now: number): UpdatePolicy[] {
  const policies: UpdatePolicy[] = [];
  for (const pattern of patterns) {
    const files = globSync(toAbsoluteGlob(pattern)).toSorted();
    if (files.length === 0) throw new PolicyFileError(`${pattern}: no such file`);
    for (const file of files) policies.push(...policiesOf(file, now));
  }
  if (policies.length === 0) throw new PolicyFileError(`${patterns.join(', ')}: no UpdatePolicy in there`);
  return policies;
}

function policiesOf(file: string, now: number): UpdatePolicy[] {
  const found: UpdatePolicy[] = [];
  for (const document of parseAllDocuments(readFileSync(file, 'utf8'))) {
    const [error] = document.errors;
    if (error !== undefined) throw new PolicyFileError(`${file}: ${error.message}`);
    const object = document.toJS() as { kind?: string } | null;
    if (object?.kind !== 'UpdatePolicy') continue;
    found.push(checked(file, object as UpdatePolicy, now));
  }
  return found;
}

function checked(file: string, policy: UpdatePolicy, now: number): UpdatePolicy {
  const { errors, object } = validateObject('UpdatePolicy', policy);
  const more = errors.length === 0 ? validatePolicy(object, now) : [];
  const all = [...errors, ...more];
  if (all.length === 0) return object;
  const lines = all.map(({ path, message }) => `  ${path}: ${message}`);
  throw new PolicyFileError(`${file}: UpdatePolicy ${policy.metadata.name} is invalid:\n${lines.join('\n')}`);
}
