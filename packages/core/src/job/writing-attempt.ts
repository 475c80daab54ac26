import { createHash } from 'node:crypto';

/** An attempt that writes an output, as the name of its file tells of it. */
export interface WritingAttempt {
  /** `writerKey` of `writerOf` its job. */
  readonly writer: string;
  /** As `attemptName` has it. */
  readonly attempt: string;
}

/** By whose name a job writes, whatever the attempt. */
export function writerOf({ tenant, jobId }: { readonly tenant: string; readonly jobId: string }): string {
  return `${tenant}/${jobId}`;
}

/** A name for a writer that fits into names of files, and cannot be read back. */
export function writerKey(writer: string): string {
  return createHash('sha256').update(writer).digest('hex').slice(0, 32);
}

export function attemptName({ attempt, token }: { readonly attempt: number; readonly token: string }): string {
  return `${attempt}_${token}`;
}
