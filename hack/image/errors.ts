/**
 * What keeps an image from being made, said to a person.
 *
 * - `usage`: the command line asks for something that there is not.
 * - `missing`: this machine lacks a program.
 * - `lock`: `runtime.lock.json` does not fit to the rest of the checkout, or to what the mirrors have.
 * - `download`: a file could not be fetched.
 * - `integrity`: bytes are not those that were promised.
 * - `library`: a program of the image would not start, because of a library.
 * - `base`: the base image cannot be used.
 * - `registry`: a registry refused, or speaks another protocol.
 * - `output`: the image could not be written.
 */
export type ImageErrorCode =
  'usage' | 'missing' | 'lock' | 'download' | 'integrity' | 'library' | 'base' | 'registry' | 'output';

export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly code: ImageErrorCode;

  constructor(code: ImageErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
