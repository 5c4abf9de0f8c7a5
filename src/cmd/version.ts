/** The version of this program, for reports and logs; the same as in package.json, which a test checks. */
export const VERSION = '0.1.0';
