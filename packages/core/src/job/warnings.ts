import type { JobDocument } from './document.ts';
import { isAtLeast } from './version.ts';

const LONG_TIMEOUT_SECONDS = 86_400;
const LARGE_DISK_GB = 100_000;

/** What the protocol lets pass although it is hardly meant. */
export function warningsAbout({ execution, constraints }: JobDocument): readonly string[] {
  const { minimum_worker_version: version, maximum_disk_size_gb: diskGb } = constraints ?? {};
  return [
    execution.timeout_seconds > LONG_TIMEOUT_SECONDS &&
      `execution.timeout_seconds is ${execution.timeout_seconds}, more than a day`,
    execution.timeout_seconds === 0 && 'execution.timeout_seconds is 0, so the job times out at once',
    diskGb !== undefined &&
      diskGb > LARGE_DISK_GB &&
      `constraints.maximum_disk_size_gb is ${diskGb}, more than any disk`,
    version !== undefined &&
      isAtLeast('0.0.0', version) === undefined &&
      `constraints.minimum_worker_version is "${version}", which is not a version, so no worker qualifies`,
  ].filter((warning) => warning !== false);
}
