/**
 * Makes X.509 certificates (RFC 5280) with ECDSA keys on P-256: a private authority and what it signs.
 * Reading certificates is `node:crypto`'s X509Certificate.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import {
  bitString,
  boolean,
  explicit,
  implicit,
  integer,
  octetString,
  oid,
  sequence,
  set,
  time,
  utf8String,
} from './der.ts';
import type { Der } from './der.ts';

const OID = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;

/** Bits of KeyUsage, first bit first, with the bits that its last byte does not use. */
const SIGNS_HANDSHAKES = bitString(Buffer.from([0b1000_0000]), 7);
const SIGNS_CERTIFICATES = bitString(Buffer.from([0b0000_0110]), 1);

interface Body {
  /** At least 8 random bytes. */
  serial: Uint8Array;
  /** Whole seconds count. */
  notBeforeMs: number;
  notAfterMs: number;
}

export interface AuthorityRequest extends Body {
  commonName: string;
  /** PEM of the authority's private key. */
  key: string;
}

export interface ServerRequest extends Body {
  /** At least one; the first is also the common name. */
  dnsNames: readonly [string, ...string[]];
  /** PEM of the server's private key. */
  key: string;
  /** Who signs. */
  authority: { commonName: string; key: string };
}

export interface ClientRequest extends Body {
  /** The name Kubernetes knows the client by. */
  commonName: string;
  /** PEM of the client's private key. */
  key: string;
  /** Who signs. */
  authority: { commonName: string; key: string };
}

/** A new private key, PKCS #8 PEM. */
export const generateKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  }) as string;

/** A self-signed authority that may sign servers and clients but no further authorities. @returns PEM. */
export function signAuthority(request: AuthorityRequest): string {
  const key = createPublicKey(request.key);
  const extensions = [
    extension(OID.basicConstraints, sequence(boolean(true), integer(Buffer.from([0]))), true),
    extension(OID.keyUsage, SIGNS_CERTIFICATES, true),
    extension(OID.subjectKeyIdentifier, octetString(keyIdentifier(key))),
  ];
  const { commonName } = request;
  return certificate({
    ...request,
    subject: commonName,
    issuer: commonName,
    key,
    extensions,
    signer: request.key,
  });
}

/** A certificate for a TLS server. @returns PEM. */
export function signServer(request: ServerRequest): string {
  const names = request.dnsNames.map((name) => implicit(2, Buffer.from(name, 'ascii')));
  return signLeaf(request, {
    subject: request.dnsNames[0],
    usage: OID.serverAuth,
    more: [extension(OID.subjectAltName, sequence(...names))],
  });
}

/** A certificate for a TLS client. @returns PEM. */
export const signClient = (request: ClientRequest): string =>
  signLeaf(request, { subject: request.commonName, usage: OID.clientAuth, more: [] });

function signLeaf(
  request: ServerRequest | ClientRequest,
  leaf: { subject: string; usage: string; more: Der[] },
): string {
  const key = createPublicKey(request.key);
  const signer = createPublicKey(request.authority.key);
  const extensions = [
    extension(OID.basicConstraints, sequence(), true),
    extension(OID.keyUsage, SIGNS_HANDSHAKES, true),
    extension(OID.extendedKeyUsage, sequence(oid(leaf.usage))),
    ...leaf.more,
    extension(OID.subjectKeyIdentifier, octetString(keyIdentifier(key))),
    extension(OID.authorityKeyIdentifier, sequence(implicit(0, keyIdentifier(signer)))),
  ];
  return certificate({
    ...request,
    subject: leaf.subject,
    issuer: request.authority.commonName,
    key,
    extensions,
    signer: request.authority.key,
  });
}

function certificate(
  options: Body & { subject: string; issuer: string; key: KeyObject; extensions: Der[]; signer: string },
): string {
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(options.serial),
    algorithm,
    name(options.issuer),
    sequence(time(options.notBeforeMs), time(options.notAfterMs)),
    name(options.subject),
    options.key.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...options.extensions)),
  );
  const signature = sign('sha256', body, createPrivateKey(options.signer));
  return pem(sequence(body, algorithm, bitString(signature)));
}

const name = (commonName: string): Der =>
  sequence(set(sequence(oid(OID.commonName), utf8String(commonName))));

const extension = (id: string, value: Uint8Array, critical = false): Der =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octetString(value));

/** The leftmost 160 bits of SHA-256 of the public key (RFC 7093, 2, method 4). */
const keyIdentifier = (key: KeyObject): Buffer =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, 20);

const pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${(der.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`;
