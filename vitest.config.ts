import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { ClosingLineReporter } from './test/support/closing-line-reporter.ts';
import { COMPILED } from './test/support/compile-programs.ts';
import { importLazyModules } from './test/support/import-lazy-modules.ts';
import { ProgramsFirst } from './test/support/programs-first.ts';

export default defineConfig({
  plugins: [importLazyModules()],
  test: {
    include: ['{apps,packages,test}/**/*.test.ts'],
    // files share processes, and what these have loaded: they take back what they change of a process
    isolate: false,
    reporters: ['default', new ClosingLineReporter()],
    testTimeout: 240_000,
    hookTimeout: 300_000,
    pool: 'forks',
    // the programs that tests start need not compile what another start has compiled
    env: { NODE_COMPILE_CACHE: COMPILED },
    globalSetup: './test/support/compile-programs.ts',
    sequence: { sequencer: ProgramsFirst },
    // most tests wait for processes, disks and timers rather than for a processor
    maxWorkers: availableParallelism() + 2,
  },
});
