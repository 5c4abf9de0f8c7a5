/** For tests: the three objects, an API server and agents that see them late, and time. */
import type { ConfigMap, Secret } from '../../api/core.ts';
import { CA_BUNDLE_CONFIGMAP, CA_BUNDLE_KEY, NAMESPACE, SERVING_SECRET } from '../../api/names.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { KubeObject, KubernetesErrorCode, KubernetesPort } from '../../runtime/kubernetes.ts';
import { KubernetesError } from '../../runtime/kubernetes.ts';
import type { LogFields, Logger } from '../../runtime/log.ts';
import { noMetrics } from '../../runtime/metrics.ts';
import { CertificatesController } from './controller.ts';
import { systemKeys } from './keys.ts';
import { isForNames, isSignedBy, parseCertificate, parseCertificates } from './parse.ts';

interface Version {
  atMs: number;
  object: KubeObject | undefined;
}

const notAsked = (): never => {
  throw new Error('not asked here');
};

/** Objects with all their past, by name. */
export class ObjectsOverTime {
  readonly #clock: Clock;
  readonly #versions = new Map<string, Version[]>();
  readonly #failures: { code: KubernetesErrorCode; isDone: boolean }[] = [];
  #count = 0;
  writes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The next write fails like this; `isDone`: it is carried out all the same. */
  failNext(code: KubernetesErrorCode, isDone = false): void {
    this.#failures.push({ code, isDone });
  }

  /** Puts an object, or with undefined removes it, as anybody might. */
  put(name: string, object: KubeObject | undefined): void {
    this.#count += 1;
    const versions = this.#versions.get(name) ?? [];
    const metadata = { ...object?.metadata, name, uid: `uid-${name}`, resourceVersion: String(this.#count) };
    versions.push({ atMs: this.#clock.now(), object: object && { ...object, metadata } });
    this.#versions.set(name, versions);
  }

  /** The object as it was `agoMs` ago; undefined when it was not there. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
  at<T extends KubeObject>(name: string, agoMs = 0): T | undefined {
    const now = this.#clock.now();
    return this.#versions.get(name)?.findLast(({ atMs }) => atMs <= now - agoMs)?.object as T | undefined;
  }

  readonly port: KubernetesPort = {
    get: async (_resource, { name }) => {
      const object = this.at(name);
      if (object === undefined) throw new KubernetesError('notFound', `no ${name}`);
      return structuredClone(object) as never;
    },
    create: async (_resource, object) => {
      return this.#write(() => {
        const { name } = object.metadata;
        if (this.at(name) !== undefined) throw new KubernetesError('alreadyExists', name);
        this.put(name, object);
        return this.at(name) as never;
      });
    },
    patch: async (_resource, { name }, body) => {
      return this.#write(() => {
        const old = this.at<Secret>(name);
        const patch = body as Secret;
        if (old === undefined) throw new KubernetesError('notFound', name);
        if (old.metadata.resourceVersion !== patch.metadata.resourceVersion) {
          throw new KubernetesError('conflict', name);
        }
        const data = { ...old.data, ...patch.data };
        for (const [key, value] of Object.entries(data)) if (value === null) delete data[key];
        const annotations = { ...old.metadata.annotations, ...patch.metadata.annotations };
        this.put(name, { ...old, metadata: { ...old.metadata, annotations }, data } as KubeObject);
        return this.at(name) as never;
      });
    },
    list: notAsked,
    watch: notAsked,
    delete: notAsked,
    evict: notAsked,
    reviewToken: notAsked,
    clockSkewMs: () => undefined,
  };

  #write<T>(work: () => T): T {
    const failure = this.#failures.shift();
    if (failure !== undefined && !failure.isDone) throw new KubernetesError(failure.code, 'scripted');
    const result = work();
    this.writes += 1;
    if (failure !== undefined) throw new KubernetesError(failure.code, 'scripted');
    return result;
  }
}

/** Remembers what was logged. */
export class ListLogger implements Logger {
  readonly lines: { level: string; message: string; fields: LogFields }[] = [];
  readonly #add =
    (level: string) =>
    (message: string, fields: LogFields = {}): void =>
      void this.lines.push({ level, message, fields });

  debug = this.#add('debug');
  info = this.#add('info');
  warn = this.#add('warn');
  error = this.#add('error');
  child = (): Logger => this;

  /** The steps that were taken, in order. */
  get steps(): string[] {
    return this.lines.flatMap(({ fields }) => (typeof fields['step'] === 'string' ? [fields['step']] : []));
  }
}

export function controllerOf(
  objects: ObjectsOverTime,
  options: { clock: Clock; logger: Logger },
): CertificatesController {
  return new CertificatesController({
    ...options,
    kubernetes: objects.port,
    keys: systemKeys,
    namespace: NAMESPACE,
    random: () => 0.5,
    metrics: noMetrics,
  });
}

const NAME = `brupop-apiserver.${NAMESPACE}.svc`;

/** Why an agent whose files are as old as `agentLagMs` would not accept an API server with files so old. */
export function whyNotAccepted(
  objects: ObjectsOverTime,
  lags: { agentLagMs: number; serverLagMs: number; now: number },
): string | undefined {
  const pem = objects.at<Secret>(SERVING_SECRET, lags.serverLagMs)?.data?.['tls.crt'] ?? '';
  const leaf = parseCertificate(Buffer.from(pem, 'base64').toString());
  if (leaf === undefined) return 'no serving certificate';
  const text = objects.at<ConfigMap>(CA_BUNDLE_CONFIGMAP, lags.agentLagMs)?.data?.[CA_BUNDLE_KEY] ?? '';
  const isNow = ({ notBeforeMs, notAfterMs }: typeof leaf): boolean =>
    notBeforeMs <= lags.now && lags.now < notAfterMs;
  if (!isNow(leaf)) return 'the serving certificate has ended';
  if (!isForNames(leaf, [NAME])) return 'the serving certificate is for other names';
  const signers = parseCertificates(text).filter((ca) => isSignedBy(leaf, ca));
  if (signers.length === 0) return 'nobody in the bundle signed the serving certificate';
  return signers.some(isNow) ? undefined : 'the authority has ended';
}
