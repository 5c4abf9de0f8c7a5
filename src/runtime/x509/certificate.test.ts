import { X509Certificate, createPrivateKey, createPublicKey } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateKey, signAuthority, signClient, signServer } from './certificate.ts';
import { integer, oid, sequence, time } from './der.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 0, 1);

const caKey = generateKey();
const authority = (overrides: Partial<Parameters<typeof signAuthority>[0]> = {}): X509Certificate =>
  new X509Certificate(
    signAuthority({
      commonName: 'test-ca',
      key: caKey,
      serial: Buffer.from([0xff, 1, 2, 3, 4, 5, 6, 7]),
      notBeforeMs: START_MS,
      notAfterMs: START_MS + 365 * DAY_MS,
      ...overrides,
    }),
  );

const serverKey = generateKey();
const server = (dnsNames: readonly [string, ...string[]]): X509Certificate =>
  new X509Certificate(
    signServer({
      dnsNames,
      key: serverKey,
      authority: { commonName: 'test-ca', key: caKey },
      serial: Buffer.from([0, 0, 9, 8, 7, 6, 5, 4]),
      notBeforeMs: START_MS,
      notAfterMs: START_MS + 90 * DAY_MS,
    }),
  );

describe('an authority', () => {
  it('is one, and signs itself', () => {
    const ca = authority();
    expect(ca.ca).toBe(true);
    expect(ca.subject).toBe('CN=test-ca');
    expect(ca.issuer).toBe('CN=test-ca');
    expect(ca.verify(createPublicKey(caKey))).toBe(true);
    expect(ca.checkPrivateKey(createPrivateKey(caKey))).toBe(true);
    expect(ca.serialNumber).toBe('FF01020304050607');
  });

  it.each([
    ['this century', Date.UTC(2049, 11, 31, 23, 59, 59)],
    ['after 2050', Date.UTC(2050, 0, 1)],
    ['in 9999', Date.UTC(9999, 11, 31, 23, 59, 59)],
  ])('ends when it is to, %s', (_name, notAfterMs) => {
    const ca = authority({ notAfterMs });
    expect(ca.validFromDate.getTime()).toBe(START_MS);
    expect(ca.validToDate.getTime()).toBe(notAfterMs);
  });
});

describe('a server certificate', () => {
  it('is of its authority, for its names and for servers only', () => {
    const leaf = server(['api', 'api.ns.svc']);
    expect(leaf.ca).toBe(false);
    expect(leaf.checkIssued(authority())).toBe(true);
    expect(leaf.verify(authority().publicKey)).toBe(true);
    expect(leaf.subjectAltName).toBe('DNS:api, DNS:api.ns.svc');
    expect(leaf.checkHost('api.ns.svc')).toBe('api.ns.svc');
    expect(leaf.checkHost('other')).toBeUndefined();
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(leaf.serialNumber).toBe('090807060504');
  });

  it('is not of another authority of the same name', () => {
    const other = authority({ key: generateKey() });
    expect(server(['api']).verify(other.publicKey)).toBe(false);
    expect(server(['api']).checkIssued(other)).toBe(false);
  });
});

describe('a client certificate', () => {
  it('is of its authority, carries its name and is for clients only', () => {
    const leaf = new X509Certificate(
      signClient({
        commonName: 'someone:special',
        key: serverKey,
        authority: { commonName: 'test-ca', key: caKey },
        serial: Buffer.from([9, 8, 7, 6, 5, 4, 3, 2]),
        notBeforeMs: START_MS,
        notAfterMs: START_MS + 90 * DAY_MS,
      }),
    );
    expect(leaf.ca).toBe(false);
    expect(leaf.checkIssued(authority())).toBe(true);
    expect(leaf.verify(authority().publicKey)).toBe(true);
    expect(leaf.subject).toBe('CN=someone:special');
    expect(leaf.subjectAltName).toBeUndefined();
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  });
});

describe('DER', () => {
  it.each([
    ['2.5.29.17', '0603551d11'],
    ['1.2.840.10045.4.3.2', '06082a8648ce3d040302'],
  ])('writes object identifier %s', (dotted, hex) => {
    expect(oid(dotted).toString('hex')).toBe(hex);
  });

  it.each([
    ['00', '020100'],
    ['7f', '02017f'],
    ['80', '02020080'],
    ['0001', '020101'],
    ['', '020100'],
  ])('writes integer %s without sign or padding', (bytes, hex) => {
    expect(integer(Buffer.from(bytes, 'hex')).toString('hex')).toBe(hex);
  });

  it('writes lengths as short as they can be', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 70_000 }), (size) => {
        const encoded = sequence(Buffer.alloc(size));
        const header = size < 0x80 ? 2 : size < 0x100 ? 3 : size < 0x10000 ? 4 : 5;
        expect(encoded.length).toBe(size + header);
      }),
    );
  });

  it('writes times in UTC', () => {
    expect(time(START_MS).subarray(2).toString()).toBe('260101000000Z');
    expect(
      time(Date.UTC(2050, 5, 1, 12, 30, 15, 999))
        .subarray(2)
        .toString(),
    ).toBe('20500601123015Z');
  });
});
