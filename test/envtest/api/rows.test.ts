/** Every row against the real API server; its answer has to be, word for word, that of the in-process validation. */
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { KINDS } from '../../../src/api/definitions.ts';
import type { FieldError } from '../../../src/api/validation/errors.ts';
import { validateObject } from '../../../src/api/validation/validate.ts';
import { ask, askFor } from '../../../hack/controlplane/request.ts';
import type { Answer } from '../../../hack/controlplane/request.ts';
import { installCrds } from '../../support/crds.ts';
import type { Row, Written } from './row.ts';
import { TABLES } from './rows.ts';

const plane = inject('controlPlane');

interface Refusal {
  message: string;
  details?: { causes?: { reason: string; message: string; field: string }[] };
}

const collection = ({ kind, object }: Row): string => {
  const { group, version, plural, namespaced } = KINDS[kind].resource;
  const namespace = namespaced ? `/namespaces/${object.metadata.namespace ?? ''}` : '';
  return `/apis/${group}/${version}${namespace}/${plural}`;
};

const create = (row: Row): Promise<Answer> =>
  ask(plane, { method: 'POST', path: `${collection(row)}?dryRun=All`, body: row.object });

/** Updates what was stored before: the object itself, or its status. */
const update = async (row: Row, before: Written): Promise<Answer> => {
  const path = collection(row);
  const { metadata } = await askFor<Written>(plane, {
    method: 'POST',
    path,
    body: { ...before, metadata: { generateName: 'row-', namespace: before.metadata.namespace } },
  });
  const here = `${path}/${metadata.name}`;
  try {
    return await ask(plane, {
      method: 'PUT',
      path: `${here}${row.status === true ? '/status' : ''}?dryRun=All`,
      body: { ...row.object, metadata },
    });
  } finally {
    await ask(plane, { method: 'DELETE', path: here });
  }
};

const lines = (errors: readonly FieldError[]): string[] =>
  errors.map(({ path, message, reason }) => `${path}: ${message} (${reason})`).toSorted();

const causes = ({ body }: Answer): string[] =>
  ((JSON.parse(body) as Refusal).details?.causes ?? [])
    .map(({ field, message, reason }) => `${field}: ${message} (${reason})`)
    .toSorted();

beforeAll(async () => {
  await installCrds(plane);
});

describe.each(Object.entries(TABLES))('the table %s', (_, rows) => {
  it.each(rows)('$kind: $title', async (row) => {
    const answer = row.old === undefined ? await create(row) : await update(row, row.old);
    const ours = validateObject(row.kind, row.object, row.old);

    if (row.refused.length === 0) {
      expect(answer.status, answer.body).toBeLessThan(300);
      const { spec, status } = JSON.parse(answer.body) as Written;
      expect(ours.errors).toEqual([]);
      expect({ spec, status }).toEqual({ spec: ours.object.spec, status: ours.object.status });
      return;
    }
    expect(answer.status, answer.body).toBe(422);
    const { message } = JSON.parse(answer.body) as Refusal;
    for (const part of row.refused) expect(message).toContain(part);
    expect(lines(ours.errors)).toEqual(causes(answer));
  });
});
