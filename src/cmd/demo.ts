/** Entry of `npm run demo`. */
import { runDemo } from './demo/demo.ts';

process.exitCode = await runDemo(process.argv.slice(2), {
  write: (text) => void process.stdout.write(text),
  isTerminal: process.stdout.isTTY,
  columns: process.stdout.columns ?? 120,
});
