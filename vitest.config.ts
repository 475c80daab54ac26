import { availableParallelism } from 'node:os';
import path from 'node:path';
import { defineConfig } from 'vitest/config';
import { ClosingLineReporter } from './test/support/closing-line-reporter.ts';
import { importLazyModules } from './test/support/import-lazy-modules.ts';
import { ProgramsFirst } from './test/support/programs-first.ts';

/** Whose files share processes, and what these have loaded: they take back what they change of a process. */
const SHARING = [
  'apps/{api,worker}/**/*.test.ts',
  'packages/guest/**/*.test.ts',
  'packages/core/src/{config,job}/**/*.test.ts',
  'test/{cluster,conformance,fuzz,images}/**/*.test.ts',
];
const NONE = ['**/node_modules/**', 'test/container/**'];

export default defineConfig({
  plugins: [importLazyModules()],
  test: {
    projects: [
      { extends: true, test: { name: 'sharing', include: SHARING, exclude: NONE, isolate: false } },
      {
        extends: true,
        test: { name: 'alone', include: ['{apps,packages,test}/**/*.test.ts'], exclude: [...NONE, ...SHARING] },
      },
    ],
    reporters: ['default', new ClosingLineReporter()],
    testTimeout: 240_000,
    hookTimeout: 300_000,
    pool: 'forks',
    // the programs that tests start need not compile what another start has compiled
    env: { NODE_COMPILE_CACHE: path.join(import.meta.dirname, '.guestkit/test/compiled') },
    sequence: { sequencer: ProgramsFirst },
    // most tests wait for processes, disks and timers rather than for a processor
    maxWorkers: availableParallelism() + 1,
  },
});
