// `npm run bench:queue [-- SECTION… --scale N --rounds N]`: the table of the queue path, beside raw BullMQ, pg-boss and graphile-worker
// on the same machine in the same run. Only the ratios mean anything: machines differ, and are noisy.
import { parseArgs } from 'node:util';
import { cutPower, killRedis } from './queue/crashes.ts';
import { growInDepth } from './queue/depth.ts';
import { enqueueThroughLayer, postBatches, postJobs } from './queue/enqueue.ts';
import { latencyBesideRaw, latencyBesideRivals } from './queue/latency.ts';
import { besideBareScript, besideCopy } from './queue/limits.ts';
import { memoryOfJobs } from './queue/memory.ts';
import { processIntoHistory, processJobs } from './queue/processing.ts';
import { recoveryFromKill } from './queue/recovery.ts';
import { type Finding, type Omission, printFindings } from './queue/report.ts';
import { enqueueBesideRivals, processBesideGraphile } from './queue/rivals.ts';
import { openStage, type Stage } from './queue/stage.ts';

type Section = (stage: Stage) => Promise<readonly (Finding | Omission)[]>;

/** In the order of the table. */
const SECTIONS: Readonly<Record<string, Section>> = {
  a1: enqueueThroughLayer,
  a2: postJobs,
  a3: postBatches,
  a4: processJobs,
  a5: processIntoHistory,
  a6: latencyBesideRaw,
  a7: recoveryFromKill,
  a9: memoryOfJobs,
  a11: growInDepth,
  b1: enqueueBesideRivals,
  b3: processBesideGraphile,
  b6: latencyBesideRivals,
  c1: besideBareScript,
  c4: besideCopy,
  d1: killRedis,
  d2: cutPower,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { scale: { type: 'string', default: '1' }, rounds: { type: 'string', default: '3' } },
});
const chosen = Object.entries(SECTIONS).filter(
  ([id]) => positionals.length === 0 || positionals.some((name) => id === name || id[0] === name),
);
if (chosen.length === 0) throw new Error(`Cannot measure ${positionals}: expected some of ${Object.keys(SECTIONS)}`);

await using stage = await openStage({ scale: Number(values.scale), rounds: Number(values.rounds) });
const findings: (Finding | Omission)[] = [];
for (const [id, run] of chosen) {
  const start = performance.now();
  await stage.client.flushall();
  findings.push(...(await run(stage)));
  process.stderr.write(`bench: ${id} took ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
}
printFindings(findings);
