/**
 * What is in the three objects, as far as it makes sense. Whatever does not, whoever wrote it, is told apart from
 * what is simply not there; nothing here throws. Pure.
 */
import { X509Certificate, createHash, createPrivateKey } from 'node:crypto';
import type { ConfigMap, Secret } from '../../api/core.ts';
import { CA_BUNDLE_KEY, GROUP } from '../../api/names.ts';
import { parseRfc3339 } from '../../runtime/clock.ts';

/** On the ConfigMap: since when each authority in it has been published, by fingerprint. */
export const PUBLISHED_ANNOTATION = `${GROUP}/published`;
/** On a Secret that cert-manager keeps. */
const CERT_MANAGER_ANNOTATION = 'cert-manager.io/certificate-name';

/** Keys of the Secret with the authorities. */
export const CA_KEYS = {
  signer: { cert: 'ca.crt', key: 'ca.key' },
  next: { cert: 'next.crt', key: 'next.key' },
  previous: 'previous.crt',
  previousUntil: 'previous-until',
} as const;
export const TLS_KEYS = { cert: 'tls.crt', key: 'tls.key' } as const;

export interface Certificate {
  /** In one form, whatever the text looked like. */
  pem: string;
  /** SHA-256, hex. */
  fingerprint: string;
  commonName: string;
  notBeforeMs: number;
  notAfterMs: number;
  isAuthority: boolean;
}

/** A certificate and its private key. */
export interface KeyedCertificate {
  certificate: Certificate;
  /** PEM. */
  key: string;
}

/** A slot: something usable, nothing, or something that is of no use, and why. */
export type Slot =
  { is: 'usable'; value: KeyedCertificate } | { is: 'empty' } | { is: 'broken'; why: string };

export interface Authorities {
  signer: Slot;
  next: Slot;
  /** Authorities that sign no more, and for how long something they signed may be in use. */
  previous: { certificates: Certificate[]; untilMs: number } | undefined;
}

export interface Published {
  certificate: Certificate;
  /** Undefined when it is not recorded: it counts as published only now. */
  sinceMs: number | undefined;
}

export interface Bundle {
  entries: Published[];
  /** The text is what we would write for these entries. */
  isClean: boolean;
}

const decode = (secret: Secret | undefined, key: string): string | undefined => {
  const value = secret?.data?.[key];
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
};

/** @returns undefined for what is no certificate. */
export function parseCertificate(pem: string): Certificate | undefined {
  try {
    const parsed = new X509Certificate(pem);
    return {
      pem: parsed.toString(),
      fingerprint: createHash('sha256').update(parsed.raw).digest('hex'),
      commonName: /^CN=(.*)$/m.exec(parsed.subject)?.[1] ?? '',
      notBeforeMs: parsed.validFromDate.getTime(),
      notAfterMs: parsed.validToDate.getTime(),
      isAuthority: parsed.ca,
    };
  } catch {
    return undefined;
  }
}

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** The certificates in a text; what is none is left out. */
export const parseCertificates = (text: string): Certificate[] =>
  (text.match(BLOCK) ?? []).map(parseCertificate).filter((found) => found !== undefined);

function parseSlot(secret: Secret | undefined, names: { cert: string; key: string }): Slot {
  const [cert, key] = [decode(secret, names.cert), decode(secret, names.key)];
  if (cert === undefined && key === undefined) return { is: 'empty' };
  const certificate = parseCertificate(cert ?? '');
  if (certificate === undefined) return { is: 'broken', why: `${names.cert} holds no certificate` };
  try {
    const matches = new X509Certificate(certificate.pem).checkPrivateKey(createPrivateKey(key ?? ''));
    if (!matches) return { is: 'broken', why: `${names.key} is not the key of ${names.cert}` };
  } catch {
    return { is: 'broken', why: `${names.key} holds no private key` };
  }
  return { is: 'usable', value: { certificate, key: key ?? '' } };
}

function parseAuthority(secret: Secret | undefined, slot: 'signer' | 'next'): Slot {
  const parsed = parseSlot(secret, CA_KEYS[slot]);
  if (parsed.is !== 'usable' || parsed.value.certificate.isAuthority) return parsed;
  return { is: 'broken', why: `${CA_KEYS[slot].cert} is not the certificate of an authority` };
}

export function parseAuthorities(secret: Secret | undefined): Authorities {
  const text = decode(secret, CA_KEYS.previous);
  const untilMs = parseRfc3339(decode(secret, CA_KEYS.previousUntil));
  const previous =
    text === undefined ? undefined : { certificates: parseCertificates(text), untilMs: untilMs ?? -Infinity };
  return { signer: parseAuthority(secret, 'signer'), next: parseAuthority(secret, 'next'), previous };
}

/** The serving certificate and its key. */
export const parseServing = (secret: Secret | undefined): Slot => parseSlot(secret, TLS_KEYS);

export function parseBundle(configMap: ConfigMap | undefined): Bundle {
  const text = configMap?.data?.[CA_BUNDLE_KEY] ?? '';
  const since = parsePublished(configMap?.metadata.annotations?.[PUBLISHED_ANNOTATION]);
  const entries = parseCertificates(text).map((certificate) => ({
    certificate,
    sinceMs: since[certificate.fingerprint],
  }));
  return { entries, isClean: text === bundleText(entries.map(({ certificate }) => certificate)) };
}

/** The text of a bundle. */
export const bundleText = (certificates: readonly Certificate[]): string =>
  certificates.map(({ pem }) => pem).join('');

function parsePublished(text: string | undefined): Record<string, number | undefined> {
  try {
    const parsed: unknown = JSON.parse(text ?? '{}');
    if (typeof parsed !== 'object' || parsed === null) return {};
    return Object.fromEntries(
      Object.entries(parsed).map(([fingerprint, at]) => [
        fingerprint,
        typeof at === 'string' ? parseRfc3339(at) : undefined,
      ]),
    );
  } catch {
    // Not ours, or not whole: everything counts as published only now.
    return {};
  }
}

/** Who else keeps the serving Secret; undefined when we do. */
export const foreignKeeper = (secret: Secret | undefined): string | undefined =>
  secret?.metadata.annotations?.[CERT_MANAGER_ANNOTATION] === undefined ? undefined : 'cert-manager';

/** Whether `signer` signed `certificate`. */
export function isSignedBy(certificate: Certificate, signer: Certificate): boolean {
  const issuer = new X509Certificate(signer.pem);
  const parsed = new X509Certificate(certificate.pem);
  return parsed.checkIssued(issuer) && parsed.verify(issuer.publicKey);
}

/** Whether the certificate is for all these names. */
export function isForNames(certificate: Certificate, names: readonly string[]): boolean {
  const parsed = new X509Certificate(certificate.pem);
  return names.every((name) => parsed.checkHost(name, { wildcards: false }) !== undefined);
}
