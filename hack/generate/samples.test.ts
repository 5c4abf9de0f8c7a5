import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { UpdatePolicy } from '../../src/api/v1/updatepolicy.ts';
import { validatePolicy } from '../../src/policy/validate.ts';
import { validateObject } from '../../src/api/validation/validate.ts';

const config = fileURLToPath(new URL('../../config/', import.meta.url));
const editorSchema = JSON.parse(
  readFileSync(new URL('../../schemas/updatepolicy_v1.json', import.meta.url), 'utf8'),
) as object;

const files = [
  ...readdirSync(`${config}samples`)
    .filter((name) => name !== 'kustomization.yaml')
    .map((name) => `samples/${name}`),
  'overlays/example/policy.yaml',
];

const read = (file: string): { text: string; policies: UpdatePolicy[] } => {
  const text = readFileSync(`${config}${file}`, 'utf8');
  return { text, policies: parseAllDocuments(text).map((each) => each.toJS() as UpdatePolicy) };
};

describe.each(files)('config/%s', (file) => {
  const { text, policies } = read(file);

  it('is completed and checked by editors', () => {
    const [, path = ''] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text) ?? [];
    const target = fileURLToPath(new URL(path, `file://${config}${file}`));
    expect(target).toBe(fileURLToPath(new URL('../../schemas/updatepolicy_v1.json', import.meta.url)));
    const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
    for (const policy of policies) {
      ajv.validate(editorSchema, policy);
      expect(ajv.errors ?? []).toEqual([]);
    }
  });

  it('is accepted, with no field unknown', () => {
    for (const policy of policies) {
      const { errors, warnings } = validateObject('UpdatePolicy', policy);
      expect({ errors, warnings }).toEqual({ errors: [], warnings: [] });
    }
  });

  it('makes sense to the controller', () => {
    const now = Date.parse('2026-11-21T12:00:00Z');
    for (const policy of policies) expect(validatePolicy(policy, now)).toEqual([]);
  });

  it('says in a comment what it is for', () => {
    expect(
      file.startsWith('overlays') || text.split('\n').filter((line) => line.startsWith('# ')).length >= 3,
    ).toBe(true);
  });
});

describe('the samples together', () => {
  const all = files.filter((file) => file.startsWith('samples/')).flatMap((file) => read(file).policies);

  it('have names and priorities of their own, so that they may be applied at once', () => {
    const names = all.map(({ metadata }) => metadata.name);
    expect(new Set(names).size).toBe(names.length);
    const priorities = all.map(({ spec }) => spec.priority ?? 0);
    expect(new Set(priorities).size).toBe(priorities.length);
  });

  it('are all listed in the kustomization', () => {
    const { resources } = parse(readFileSync(`${config}samples/kustomization.yaml`, 'utf8')) as {
      resources: string[];
    };
    expect(resources.map((name) => `samples/${name}`).toSorted()).toEqual(
      files.filter((file) => file.startsWith('samples/')).toSorted(),
    );
  });
});
