/** Ends a command with one sentence instead of a stack. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: number;

  /** @param code exit code. @default 1 */
  constructor(message: string, code = 1) {
    super(message);
    this.code = code;
  }
}
