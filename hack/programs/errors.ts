/** Why a program cannot be had. */
export class ProgramsError extends Error {
  override readonly name = 'ProgramsError';
  /** `noGo`: nothing to build with. `buildFailed`: the Go build ended with an error. */
  readonly code: 'noGo' | 'buildFailed';

  constructor(code: ProgramsError['code'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
