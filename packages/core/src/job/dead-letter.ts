import { ERROR_CLASSES, type ErrorClass } from './error-class.ts';
import { classOf } from './error-code.ts';
import type { DeadLetterNote, FinishedEvent } from './event.ts';

/** What is noted of a job that failed for good; nothing of one that succeeded or was cancelled. */
export function deadLetterOf({ result, dead_letter }: FinishedEvent): DeadLetterNote | undefined {
  if (result.status !== 'failed' && result.status !== 'timeout') return undefined;
  if (dead_letter) return dead_letter;
  const errorClass = result.error ? classOf(result.error) : 'unknown';
  return { class: errorClass, because: causeOf(errorClass) };
}

/** For ends that were not told by a worker, which knows better. */
function causeOf(errorClass: ErrorClass): DeadLetterNote['because'] {
  if (errorClass === 'deadline') return 'deadline';
  return ERROR_CLASSES[errorClass].retry === 'never' ? 'class' : 'attempts';
}
