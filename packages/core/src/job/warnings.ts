import type { JobDocument } from './document.ts';
import { ERROR_CLASSES, type ErrorClass, isErrorClass } from './error-class.ts';
import { isAtLeast } from './version.ts';

const LONG_TIMEOUT_SECONDS = 86_400;
const LARGE_DISK_GB = 100_000;

/** What the protocol lets pass although it is hardly meant. */
export function warningsAbout({ execution, constraints }: JobDocument): readonly string[] {
  const { minimum_worker_version: version, maximum_disk_size_gb: diskGb } = constraints ?? {};
  const hopeless = (execution.retry?.retry_on ?? []).filter(isErrorClass).filter(isNeverRetried);
  return [
    execution.timeout_seconds > LONG_TIMEOUT_SECONDS &&
      `execution.timeout_seconds is ${execution.timeout_seconds}, more than a day`,
    execution.timeout_seconds === 0 && 'execution.timeout_seconds is 0, so the job times out at once',
    hopeless.length > 0 &&
      `execution.retry.retry_on names ${hopeless.join(', ')}: errors of these classes are never retried`,
    diskGb !== undefined &&
      diskGb > LARGE_DISK_GB &&
      `constraints.maximum_disk_size_gb is ${diskGb}, more than any disk`,
    version !== undefined &&
      isAtLeast('0.0.0', version) === undefined &&
      `constraints.minimum_worker_version is "${version}", which is not a version, so no worker qualifies`,
  ].filter((warning) => warning !== false);
}

function isNeverRetried(errorClass: ErrorClass): boolean {
  return ERROR_CLASSES[errorClass].retry === 'never';
}
