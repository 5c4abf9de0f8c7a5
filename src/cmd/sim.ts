/** Entry of `npm run sim`. */
import { generateScenario } from '../sim/scenario/generate.ts';
import { play } from './sim/play.ts';

const count = Number(process.argv[2] ?? 20);
const from = Number(process.argv[3] ?? 1);
const begun = performance.now();
let bad = 0;
for (let seed = from; seed < from + count; seed++) {
  const outcome = await play(generateScenario(String(seed)));
  if (outcome.failures.length === 0) continue;
  bad += 1;
  console.log(seed, JSON.stringify(outcome.failures.slice(0, 3)));
}
console.log(`${count} seeds, ${bad} failed, ${((performance.now() - begun) / 1000).toFixed(1)} s`);
