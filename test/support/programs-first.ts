import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Tests that start programs and wait for them. */
const PROGRAMS = /\/(?:apps\/(?:cli|worker)|test\/(?:cluster|demo))\b/;

/** Runs what waits first: last, it would leave processors idle. Within both, the order is that of vitest: longest or largest first. */
export class ProgramsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { first = [], last = [] } = Object.groupBy(await super.sort(files), ({ moduleId }) =>
      PROGRAMS.test(moduleId) ? 'first' : 'last',
    );
    return [...first, ...last];
  }
}
