/** Where keys and serial numbers come from. */
import { randomBytes } from 'node:crypto';
import { generateKey } from '../../runtime/x509/certificate.ts';

export interface Keys {
  /** A new private key, PKCS #8 PEM. */
  key(): string;
  /** 16 random bytes. */
  serial(): Uint8Array;
}

/** Of the operating system; not for simulations. */
export const systemKeys: Keys = { key: generateKey, serial: () => randomBytes(16) };
