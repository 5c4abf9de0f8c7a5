/** The few ASN.1 types of a certificate, written in DER (ITU-T X.690). Nothing is read here. */

/** One encoded value: tag, length, content. */
export type Der = Buffer<ArrayBuffer>;

function tagged(tag: number, ...content: Uint8Array[]): Der {
  const body = Buffer.concat(content);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length: number[] = [];
  for (let rest = body.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest % 256);
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length, ...length]), body]);
}

export const sequence = (...items: Uint8Array[]): Der => tagged(0x30, ...items);
export const set = (...items: Uint8Array[]): Der => tagged(0x31, ...items);
export const boolean = (value: boolean): Der => tagged(0x01, Buffer.from([value ? 0xff : 0]));
export const octetString = (bytes: Uint8Array): Der => tagged(0x04, bytes);
export const utf8String = (text: string): Der => tagged(0x0c, Buffer.from(text, 'utf8'));

/** A number that is not negative, most significant byte first. */
export function integer(bytes: Uint8Array): Der {
  let first = 0;
  while (first < bytes.length - 1 && bytes[first] === 0) first += 1;
  const short = bytes.subarray(first);
  // A leading 1 bit would make it negative.
  return (short[0] ?? 0) >= 0x80 || short.length === 0
    ? tagged(0x02, Buffer.from([0]), short)
    : tagged(0x02, short);
}

/** @param unusedBits of the last byte. */
export const bitString = (bytes: Uint8Array, unusedBits = 0): Der =>
  tagged(0x03, Buffer.from([unusedBits]), bytes);

/** A context-specific, constructed tag around a value: `[number] EXPLICIT`. */
export const explicit = (number: number, value: Uint8Array): Der => tagged(0xa0 | number, value);

/** A context-specific, primitive tag in place of the value's own: `[number] IMPLICIT`. */
export const implicit = (number: number, bytes: Uint8Array): Der => tagged(0x80 | number, bytes);

/** An object identifier in dotted form. */
export function oid(dotted: string): Der {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) {
      groups.unshift(0x80 | (left % 128));
    }
    bytes.push(...groups);
  }
  return tagged(0x06, Buffer.from(bytes));
}

/** An instant with whole seconds: UTCTime up to 2049, GeneralizedTime from then on (RFC 5280, 4.1.2.5). */
export function time(ms: number): Der {
  const text = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return ms < Date.UTC(2050) ? tagged(0x17, Buffer.from(text.slice(2))) : tagged(0x18, Buffer.from(text));
}
