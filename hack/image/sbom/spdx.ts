/** The bill of materials of an image, in SPDX 2.3: what is in it for which platform, and where that came from. */
import type { NpmPackage } from '../application/packages.ts';
import type { Origin } from '../describe.ts';
import type { Image } from '../oci/image.ts';
import type { LockedDebianPackage, LockedNode, LockedPlatform } from '../runtime/lock.ts';
import { debianLicence } from './licences.ts';

interface SpdxPackage {
  SPDXID: string;
  name: string;
  versionInfo?: string;
  downloadLocation: string;
  filesAnalyzed: false;
  primaryPackagePurpose: 'CONTAINER' | 'APPLICATION' | 'LIBRARY';
  licenseConcluded: string;
  licenseDeclared: string;
  copyrightText: string;
  checksums?: { algorithm: 'SHA256' | 'SHA512'; checksumValue: string }[];
  externalRefs?: {
    referenceCategory: 'PACKAGE-MANAGER' | 'SECURITY';
    referenceType: string;
    referenceLocator: string;
  }[];
}

interface Relationship {
  spdxElementId: string;
  relationshipType: string;
  relatedSpdxElement: string;
}

/** Letters, digits, dots and hyphens are what an identifier may have. */
const spdxId = (...parts: readonly string[]): string =>
  `SPDXRef-${parts.map((part) => part.replace(/[^A-Za-z0-9.]+/g, '-')).join('-')}`;

const purl = (text: string): NonNullable<SpdxPackage['externalRefs']> => [
  { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: text },
];

interface Described {
  id: string;
  name: string;
  version?: string;
  licence?: string;
  purpose?: SpdxPackage['primaryPackagePurpose'];
}

function spdxPackage({
  id,
  name,
  version,
  licence = 'NOASSERTION',
  purpose = 'LIBRARY',
}: Described): SpdxPackage {
  return {
    SPDXID: id,
    name,
    ...(version === undefined ? {} : { versionInfo: version }),
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    primaryPackagePurpose: purpose,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: licence,
    copyrightText: 'NOASSERTION',
  };
}

const hexOf = (integrity: string): string =>
  Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex');

const nodePackage = ({ name, version, integrity }: LockedNode): SpdxPackage => ({
  ...spdxPackage({
    id: spdxId('node', name, version),
    name: 'node',
    version,
    licence: 'MIT',
    purpose: 'APPLICATION',
  }),
  checksums: [{ algorithm: 'SHA512', checksumValue: hexOf(integrity) }],
  externalRefs: [
    ...purl(`pkg:npm/${name}@${version}`),
    // Advisories about Node are filed under this name.
    {
      referenceCategory: 'SECURITY',
      referenceType: 'cpe23Type',
      referenceLocator: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
    },
  ],
});

const debianPackage = (locked: LockedDebianPackage, release: string): SpdxPackage => {
  const { name, version, architecture, sha256 } = locked;
  const [packageName, packageVersion] = [name, version].map((each) => encodeURIComponent(each));
  return {
    ...spdxPackage({
      id: spdxId('deb', architecture, name, version),
      name,
      version,
      licence: debianLicence(name),
    }),
    checksums: [{ algorithm: 'SHA256', checksumValue: sha256 }],
    externalRefs: purl(
      `pkg:deb/debian/${packageName}@${packageVersion}?arch=${architecture}&distro=${release}`,
    ),
  };
};

const npmPackage = ({ name, version, licence }: NpmPackage): SpdxPackage => ({
  ...spdxPackage({ id: spdxId('npm', name, version), name, version, licence }),
  externalRefs: purl(`pkg:npm/${name.replace('@', '%40')}@${version}`),
});

export interface Materials {
  image: Image;
  origin: Origin;
  /** Code name of the Debian release. */
  release: string;
  /** In the order of the image's platforms. */
  platforms: readonly LockedPlatform[];
  npm: readonly NpmPackage[];
  /** The image that it is laid upon, which brings the system libraries instead. What is in it, its own SBOM says. */
  base?: { name: string; digest: string } | undefined;
}

const sha256 = (digest: string): NonNullable<SpdxPackage['checksums']> => [
  { algorithm: 'SHA256', checksumValue: digest.replace('sha256:', '') },
];

const container = (id: string, version: string, digest: string): SpdxPackage => ({
  ...spdxPackage({ id, name: 'brupop', version, purpose: 'CONTAINER' }),
  checksums: sha256(digest),
  externalRefs: purl(`pkg:oci/brupop@${encodeURIComponent(digest)}`),
});

/** The SPDX document, as JSON. Same image, same document. */
export function spdxDocument({ image, origin, release, platforms, npm, base }: Materials): string {
  const { version, created, licence } = origin;
  const { digest } = image.index.blob;
  const packages = new Map<string, SpdxPackage>();
  const relationships: Relationship[] = [];
  const add = (each: SpdxPackage): string => {
    packages.set(each.SPDXID, each);
    return each.SPDXID;
  };
  const relate = (spdxElementId: string, relationshipType: string, relatedSpdxElement: string): void => {
    relationships.push({ spdxElementId, relationshipType, relatedSpdxElement });
  };
  const root = add(container('SPDXRef-image', version, digest));
  relate('SPDXRef-DOCUMENT', 'DESCRIBES', root);
  const application = add(
    spdxPackage({ id: spdxId('brupop', version), name: 'brupop', version, licence, purpose: 'APPLICATION' }),
  );
  for (const each of npm) relate(application, 'CONTAINS', add(npmPackage(each)));
  for (const [index, { platform, manifest }] of image.images.entries()) {
    const { architecture } = platform;
    const one = add(container(spdxId('image', architecture), version, manifest.blob.digest));
    relate(one, 'VARIANT_OF', root);
    relate(one, 'CONTAINS', application);
    const locked = platforms[index];
    if (locked === undefined) continue;
    relate(one, 'CONTAINS', add(nodePackage(locked.node)));
    if (base === undefined) {
      for (const each of locked.debian) relate(one, 'CONTAINS', add(debianPackage(each, release)));
    } else {
      const id = 'SPDXRef-base';
      add({
        ...spdxPackage({ id, name: base.name, purpose: 'CONTAINER' }),
        checksums: sha256(base.digest),
      });
      relate(one, 'DESCENDANT_OF', id);
    }
  }
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `brupop-${version}`,
    documentNamespace: `https://spdx.org/spdxdocs/brupop-${version}-${digest.replace('sha256:', '')}`,
    creationInfo: { created, creators: [`Tool: brupop-image-${version}`] },
    packages: [...packages.values()],
    relationships,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
