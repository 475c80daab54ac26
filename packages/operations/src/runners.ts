import { runEcho } from './echo/run.ts';
import { runInspect } from './inspect/run.ts';
import type { Runner } from './operation.ts';

export { rehearseInspect as rehearse } from './inspect/rehearse.ts';

// What runs, by the name of its operation. Loaded inside the jail: no schema library, no YAML.

export const runners: ReadonlyMap<string, Runner> = new Map([
  ['system.echo', runEcho],
  ['test.echo', runEcho],
  ['guestkit.inspect', runInspect],
]);
