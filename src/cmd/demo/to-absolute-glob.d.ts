/** @dsherret/to-absolute-glob 2 comes without types. */
declare module '@dsherret/to-absolute-glob' {
  interface Options {
    /** @default process.cwd() */
    cwd?: string;
    /** What a leading slash means. */
    root?: string;
  }
  /** Makes a glob absolute; a leading `!` and a trailing slash stay. */
  function toAbsoluteGlob(glob: string, options?: Options): string;
  export default toAbsoluteGlob;
}
