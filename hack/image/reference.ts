/** Names of images, as containerd and Docker read them. */
import { ImageError } from './errors.ts';

export interface Reference {
  /** Host and port of the registry. */
  registry: string;
  /** Path of the repository in it. */
  repository: string;
  tag?: string;
  /** `sha256:…` */
  digest?: string;
}

/** What a name without a registry is of. */
const DEFAULT_REGISTRY = 'docker.io';
const DEFAULT_NAMESPACE = 'library';

const PATTERN =
  /^(?<name>[a-zA-Z0-9[][a-zA-Z0-9._:[\]/-]*?)(?::(?<tag>\w[\w.-]{0,127}))?(?:@(?<digest>sha256:[a-f0-9]{64}))?$/;
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;

const isRegistry = (part: string): boolean => /[.:]/.test(part) || part === 'localhost';

/** @throws ImageError when it is no name of an image */
export function parseReference(text: string): Reference {
  const { name = '', tag, digest } = PATTERN.exec(text)?.groups ?? {};
  const [first = '', ...rest] = name.split('/');
  const hasRegistry = rest.length > 0 && isRegistry(first);
  const path = hasRegistry ? rest.join('/') : name;
  const registry = hasRegistry ? first : DEFAULT_REGISTRY;
  const official = registry === DEFAULT_REGISTRY && !path.includes('/');
  if (!REPOSITORY.test(path)) {
    throw new ImageError(
      'usage',
      `${text} is no name of an image; one looks like registry.example.com/brupop:v1.`,
    );
  }
  return {
    registry,
    repository: official ? `${DEFAULT_NAMESPACE}/${path}` : path,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** Complete, as containerd names an image: `docker.io/library/brupop:v0.1.0`. */
export function formatReference({ registry, repository, tag, digest }: Reference): string {
  const version = `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
  return `${registry}/${repository}${version}`;
}
