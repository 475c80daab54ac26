import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Tests that start programs and wait for them. */
const PROGRAMS = /\/(?:apps\/(?:cli|worker)|test\/(?:cluster|demo))\b/;

/** Short files that make for long tests. */
const TABLES = /\/test\/(?:fuzz|images)\//;

/**
 * Runs what waits first, and then what takes longer than the size of its file tells: last, these would leave processors idle.
 * Otherwise the order is that of vitest: longest or largest first.
 */
export class ProgramsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { programs, tables, others } = Object.groupBy(await super.sort(files), ({ moduleId }) =>
      PROGRAMS.test(moduleId) ? 'programs' : TABLES.test(moduleId) ? 'tables' : 'others',
    );
    return [programs, tables, others].flatMap((group) => group ?? []);
  }
}
