/** Carries out one step: one write, with the precondition of the object it was decided on. */
import type { ConfigMap, Secret } from '../../api/core.ts';
import { ConfigMaps, Secrets } from '../../api/core.ts';
import { CA_BUNDLE_CONFIGMAP, CA_BUNDLE_KEY, CA_KEY_SECRET, SERVING_SECRET } from '../../api/names.ts';
import { rfc3339 } from '../../runtime/clock.ts';
import type { KubeObject, KubernetesPort, Resource } from '../../runtime/kubernetes.ts';
import { signAuthority, signServer } from '../../runtime/x509/certificate.ts';
import type { Stored } from './gather.ts';
import type { Keys } from './keys.ts';
import { CA_KEYS, PUBLISHED_ANNOTATION, TLS_KEYS, bundleText } from './parse.ts';
import type { Action, Snapshot } from './plan.ts';
import { AUTHORITY_LIFE_MS, BACKDATE_MS } from './plan.ts';

export interface ApplyOptions {
  kubernetes: Pick<KubernetesPort, 'create' | 'patch'>;
  keys: Keys;
  namespace: string;
}

type Data = Record<string, string | null>;

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** The object that an action writes. */
export const objectOf = (action: Action): string => {
  if (action.do === 'publish') return `ConfigMap ${CA_BUNDLE_CONFIGMAP}`;
  return `Secret ${action.do === 'issue' ? SERVING_SECRET : CA_KEY_SECRET}`;
};

/** @throws KubernetesError; nothing is lost by it: the next look starts from what is stored. */
export async function apply(
  action: Action,
  on: { stored: Stored; snapshot: Snapshot },
  options: ApplyOptions,
): Promise<void> {
  const { stored, snapshot } = on;
  switch (action.do) {
    case 'makeAuthority':
      return writeAuthorities(stored, newAuthority(action.slot, snapshot.now, options.keys), options);
    case 'promote':
      return writeAuthorities(stored, promoted(stored, action), options);
    case 'forget':
      return writeAuthorities(stored, { [CA_KEYS.previous]: null, [CA_KEYS.previousUntil]: null }, options);
    case 'publish':
      return writeBundle(stored, action, options);
    case 'issue':
      return writeServing(stored, newServing(action, snapshot, options.keys), options);
  }
}

function newAuthority(slot: 'signer' | 'next', now: number, keys: Keys): Data {
  const [key, serial] = [keys.key(), keys.serial()];
  const cert = signAuthority({
    // A name of its own: two authorities of one name are told apart by key identifiers alone.
    commonName: `brupop-ca-${Buffer.from(serial.subarray(0, 4)).toString('hex')}`,
    key,
    serial,
    notBeforeMs: now - BACKDATE_MS,
    notAfterMs: now + AUTHORITY_LIFE_MS,
  });
  return { [CA_KEYS[slot].cert]: base64(cert), [CA_KEYS[slot].key]: base64(key) };
}

/** The next authority takes the place of the signer, whose key is forgotten. */
function promoted(stored: Stored, action: Action & { do: 'promote' }): Data {
  const { data } = stored.authorities ?? {};
  return {
    [CA_KEYS.signer.cert]: data?.[CA_KEYS.next.cert] ?? null,
    [CA_KEYS.signer.key]: data?.[CA_KEYS.next.key] ?? null,
    [CA_KEYS.next.cert]: null,
    [CA_KEYS.next.key]: null,
    [CA_KEYS.previous]: base64(bundleText(action.previous)),
    [CA_KEYS.previousUntil]: base64(rfc3339(action.previousUntilMs)),
  };
}

function newServing(action: Action & { do: 'issue' }, snapshot: Snapshot, keys: Keys): Data {
  const { certificate, key: signerKey } = action.signer;
  const key = keys.key();
  const cert = signServer({
    dnsNames: snapshot.dnsNames,
    key,
    serial: keys.serial(),
    notBeforeMs: Math.max(snapshot.now - BACKDATE_MS, certificate.notBeforeMs),
    notAfterMs: action.notAfterMs,
    authority: { commonName: certificate.commonName, key: signerKey },
  });
  return { [TLS_KEYS.cert]: base64(cert), [TLS_KEYS.key]: base64(key) };
}

const writeAuthorities = (stored: Stored, data: Data, options: ApplyOptions): Promise<void> =>
  write<Secret>(
    Secrets,
    { old: stored.authorities, name: CA_KEY_SECRET, fields: { data }, type: 'Opaque' },
    options,
  );

const writeServing = (stored: Stored, data: Data, options: ApplyOptions): Promise<void> =>
  write<Secret>(
    Secrets,
    { old: stored.serving, name: SERVING_SECRET, fields: { data }, type: 'kubernetes.io/tls' },
    options,
  );

function writeBundle(
  stored: Stored,
  { entries }: Action & { do: 'publish' },
  options: ApplyOptions,
): Promise<void> {
  const since = entries.map(({ certificate, sinceMs }) => [certificate.fingerprint, rfc3339(sinceMs)]);
  const text = bundleText(entries.map(({ certificate }) => certificate));
  return write<ConfigMap>(
    ConfigMaps,
    {
      old: stored.bundle,
      name: CA_BUNDLE_CONFIGMAP,
      fields: { data: { [CA_BUNDLE_KEY]: text } },
      annotations: { [PUBLISHED_ANNOTATION]: JSON.stringify(Object.fromEntries(since)) },
    },
    options,
  );
}

interface Write<T> {
  old: T | undefined;
  name: string;
  fields: { data: Data };
  annotations?: Record<string, string>;
  /** Of a Secret, when it is made; it cannot be changed afterwards. */
  type?: string;
}

async function write<T extends KubeObject>(
  resource: Resource<T>,
  { old, name, fields, annotations, type }: Write<T>,
  { kubernetes, namespace }: ApplyOptions,
): Promise<void> {
  const marks = annotations === undefined ? {} : { annotations };
  if (old === undefined) {
    const data = Object.fromEntries(Object.entries(fields.data).filter(([, value]) => value !== null));
    const object = {
      apiVersion: 'v1',
      kind: resource.kind,
      metadata: { name, namespace, ...marks },
      ...(type === undefined ? {} : { type }),
      data,
    };
    await kubernetes.create(resource, object as unknown as T);
    return;
  }
  const { resourceVersion, uid } = old.metadata;
  await kubernetes.patch(
    resource,
    { name, namespace },
    { metadata: { resourceVersion, uid, ...marks }, ...fields },
  );
}
