/** Under which licence a Debian package is in the main; its copyright file, which is in the image, has every detail. */
const GCC = 'GPL-3.0-or-later WITH GCC-exception-3.1';

const LICENCES: readonly [name: RegExp, licence: string][] = [
  [/^base-files$/, 'GPL-2.0-or-later'],
  [/^ca-certificates$/, 'GPL-2.0-or-later AND MPL-2.0'],
  [/^libc6$/, 'LGPL-2.1-or-later'],
  [/^(?:libgcc-s1|libstdc\+\+6|gcc-\d+-base)$/, GCC],
];

/** SPDX expression, or NOASSERTION. */
export const debianLicence = (name: string): string =>
  LICENCES.find(([pattern]) => pattern.test(name))?.[1] ?? 'NOASSERTION';
