/** Entry of `npm run sim`. */
import { runSim } from './sim/command.ts';

// A reader that has seen enough, such as `head`, is no error.
// oxlint-disable-next-line unicorn/no-process-exit -- there is nobody left to tell
process.stdout.on('error', () => process.exit());
process.exitCode = await runSim(process.argv.slice(2), (line) => console.log(line));
