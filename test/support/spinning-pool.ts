import { JailPool } from '../../apps/worker/src/jail/pool.ts';
import { MISBEHAVING_RUNNERS } from '../../apps/worker/src/testing/jail-bench.ts';

// A supervisor whose jail spins for ever, to be killed by a test. Writes the process id of the jail to standard output.

const pool = await JailPool.start({
  runnersModule: MISBEHAVING_RUNNERS,
  memoryMb: 128,
  asNobody: true,
  imageRoots: [],
  outputRoots: [],
  references: 'deny',
  maxDiskSizeGb: 0,
  slots: 1,
  killGraceMs: 1000,
  onBroken: (message) => process.stderr.write(`${message}\n`),
});
await pool.run(
  { operation: 'test.spin', payload: null, images: [] },
  {
    ...{ timeoutMs: 600_000, silenceMs: Infinity, progressMs: Infinity },
    mayPublish: async () => true,
    signal: new AbortController().signal,
    onProgress: ({ message }) => process.stdout.write(message),
  },
);
