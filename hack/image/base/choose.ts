/** What `--base` means. */
import { stat } from 'node:fs/promises';
import { ImageError } from '../errors.ts';
import { formatReference, parseReference, type Reference } from '../reference.ts';
import { layoutStore, registryStore, type ConnectOptions, type ImageStore } from './store.ts';

export interface Base {
  store: ImageStore;
  /** For annotations. */
  name: string;
  /** Where it is, if in a registry. */
  reference?: Reference;
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** `DIR:TAG` → both; a path may have a colon in itself. */
async function asLayout(text: string): Promise<{ path: string; tag?: string } | undefined> {
  if (await isThere(text)) return { path: text };
  const colon = text.lastIndexOf(':');
  const path = text.slice(0, colon);
  return colon > 0 && (await isThere(path)) ? { path, tag: text.slice(colon + 1) } : undefined;
}

const LOOKS_LIKE_PATH = /^[./~]|\.tar$/;

/** @throws ImageError when it is nothing, or a name whose meaning may change */
export async function chooseBase(text: string, workspace: string, options: ConnectOptions): Promise<Base> {
  const layout = await asLayout(text);
  if (layout !== undefined) {
    const store = await layoutStore(layout, workspace);
    // Where it lies on this machine is nobody's business, and would be another image elsewhere.
    return { store, name: store.root.digest };
  }
  if (LOOKS_LIKE_PATH.test(text)) throw new ImageError('base', `There is no OCI layout ${text}.`);
  const reference = parseReference(text);
  const { digest } = reference;
  const name = formatReference(reference);
  if (digest === undefined) {
    throw new ImageError(
      'base',
      `What ${text} means may change tomorrow: name the base by its digest, ${text}@sha256:…, which ` +
        `\`skopeo inspect --raw docker://${name} | sha256sum\` shows.`,
    );
  }
  return { store: await registryStore({ ...reference, digest }, options), name, reference };
}
