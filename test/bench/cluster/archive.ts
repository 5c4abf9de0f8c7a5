/** How much has to be pulled of an image that is an OCI archive of one platform. */
import { createReadStream } from 'node:fs';
import { readTar } from '../../../hack/image/archive/read.ts';

interface Descriptor {
  digest: string;
  size: number;
  platform?: { os: string };
}

interface Index {
  manifests: Descriptor[];
}

interface Manifest {
  config: Descriptor;
  layers: Descriptor[];
}

/** Nothing larger is JSON. */
const MAX_JSON_BYTES = 1024 * 1024;

const pathOf = ({ digest }: Descriptor): string => `blobs/${digest.replace(':', '/')}`;

/** Bytes of manifest, configuration and layers. @throws Error when there is none for Linux */
export async function archivePullBytes(archive: string): Promise<number> {
  const files = new Map<string, Buffer>();
  for await (const entry of readTar(createReadStream(archive), ({ bytes }) => bytes <= MAX_JSON_BYTES)) {
    if (entry.content !== undefined) files.set(entry.path, entry.content);
  }
  const read = (path: string): unknown => {
    const content = files.get(path);
    if (content === undefined) throw new Error(`${archive} has no ${path}`);
    return JSON.parse(content.toString());
  };
  const find = ({ manifests }: Index): Descriptor => {
    const found = manifests.find(({ platform }) => platform?.os === 'linux');
    const [only] = manifests;
    if (found !== undefined) return found;
    if (only === undefined) throw new Error(`${archive} has no image`);
    return find(read(pathOf(only)) as Index);
  };
  const image = find(read('index.json') as Index);
  const { config, layers } = read(pathOf(image)) as Manifest;
  return [image, config, ...layers].reduce((sum, { size }) => sum + size, 0);
}
