import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { ClosingLineReporter } from './test/support/closing-line-reporter.ts';
import { importLazyModules } from './test/support/import-lazy-modules.ts';

export default defineConfig({
  plugins: [importLazyModules()],
  test: {
    include: ['apps/**/*.test.ts', 'packages/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/container/**'],
    reporters: ['default', new ClosingLineReporter()],
    testTimeout: 240_000,
    hookTimeout: 300_000,
    pool: 'forks',
    // most tests wait for processes, disks and timers rather than for a processor
    maxWorkers: availableParallelism() + 1,
  },
});
