/** Whole policies, as objects and as YAML that people write. */
import * as fc from 'fast-check';
import { parse, stringify, YAMLError } from 'yaml';
import { UpdatePolicyKind } from '../../../src/api/definitions.ts';
import { objectSchema } from '../../../src/api/structural.ts';
import type { UpdatePolicy } from '../../../src/api/v1/updatepolicy.ts';
import { validateObject } from '../../../src/api/validation/validate.ts';
import { withDefaults } from '../../../src/policy/effective.ts';
import { validatePolicy } from '../../../src/policy/validate.ts';
import { CompiledWindows } from '../../../src/policy/windows.ts';
import { fromSchema, mutated } from '../../support/draw/schema.ts';
import { nearly, noise } from '../../support/draw/texts.ts';
import { attempt, must, target } from '../target.ts';

const NOW = Date.UTC(2026, 2, 28, 12);

const policy = fromSchema(objectSchema(UpdatePolicyKind), { wrongPercent: 1, presentPercent: 30 }).map(
  (content) => ({
    apiVersion: 'brupop.bottlerocket.aws/v1',
    kind: 'UpdatePolicy',
    metadata: { name: 'workers' },
    ...(content as object),
  }),
);
const objects = fc.oneof({ weight: 3, arbitrary: policy }, { weight: 2, arbitrary: mutated(policy) });

const instant = (value: number | undefined): boolean => value === undefined || value > NOW;

/** What a policy that has nothing wrong says at an instant. */
function checkWindows(given: UpdatePolicy): void {
  const windows = new CompiledWindows(withDefaults(given.spec));
  const verdict = windows.at(NOW);
  const facts = { spec: given.spec, verdict: { ...verdict, zone: verdict.zone.name } };
  must(!(verdict.open && verdict.blackout), 'nothing is open in a blackout', facts);
  must(instant(verdict.closesAt) && verdict.nextChange > NOW, 'what comes lies ahead', facts);
  must(verdict.open || instant(verdict.nextOpensAt), 'a closed window opens later', facts);
  must(
    verdict.open ? windows.remaining(NOW) > 0 : windows.remaining(NOW) === 0,
    'only what is open lasts',
    facts,
  );
  const next = windows.at(verdict.nextChange - 1);
  must(next.open === verdict.open, 'nothing changes before the next change', facts);
}

function checkPolicy(value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  const { object, errors } = validateObject('UpdatePolicy', value as UpdatePolicy);
  if (errors.length > 0) return;
  const again = validateObject('UpdatePolicy', object);
  must(
    again.errors.length === 0 && JSON.stringify(again.object) === JSON.stringify(object),
    'what is completed stays so',
    { object },
  );
  const problems = validatePolicy(object, NOW);
  must(
    problems.every(({ path, message }) => path !== '' && message !== ''),
    'a problem says where and what',
    { problems },
  );
  withDefaults(object.spec);
  if (problems.length === 0) checkWindows(object);
}

export const policyObjects = target({ name: 'policies', share: 5_000, inputs: objects, check: checkPolicy });

const yaml = fc.oneof(
  { weight: 4, arbitrary: nearly(objects.map((value) => stringify(value))) },
  {
    weight: 1,
    arbitrary: fc.oneof(
      noise,
      fc.constantFrom(
        'a: &a [*a]',
        `${'- '.repeat(400)}x`,
        '!!js/function x',
        '%YAML 9\n---\n',
        '? ? ?',
        'a: *b',
        '<<: {spec: {}}\nspec: 1',
      ),
      fc.constant(
        `a: &a [x,x,x,x,x,x,x,x,x]\n${['b', 'c', 'd', 'e', 'f'].map((name, index) => `${name}: &${name} [${`*${'abcdef'[index]},`.repeat(9)}]`).join('\n')}`,
      ),
    ),
  },
);

export const policyYaml = target({
  name: 'policies as YAML',
  share: 3_000,
  inputs: yaml,
  check: (text) => {
    const value = attempt(
      () => parse(text, { logLevel: 'silent' }) as unknown,
      // An alias that is used too often, or before its anchor, is a ReferenceError of the library.
      (error) => error instanceof YAMLError || error instanceof ReferenceError,
    );
    checkPolicy(value);
  },
});
