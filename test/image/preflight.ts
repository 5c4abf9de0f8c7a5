/** vitest `globalSetup`: what these tests need of the machine is asked for in one sentence, before any of them fails. */
import { objectionTo } from '../../hack/debian.ts';

/** Programs that look at the image without knowing us, and the Debian package of each. */
export const PROGRAMS = {
  'docker-registry': 'docker-registry',
  runc: 'runc',
  skopeo: 'skopeo',
  umoci: 'umoci',
  unshare: 'util-linux',
} as const;

export default function setup(): void {
  const objection =
    process.platform !== 'linux' || process.getuid?.() !== 0
      ? 'The image is unpacked and run by runc, which needs root on Linux: run it with sudo.'
      : objectionTo(PROGRAMS);
  if (objection !== undefined) throw new Error(objection);
}
