import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { type WritingAttempt, writerKey } from '../job/writing-attempt.ts';

// Names of files that are being written: of the file, whose they are, and of which attempt, so that what a killed process left can be
// told from what a live one writes.

const END = '.tmp';
/** Of the name of the file; a name of more than 255 bytes is refused by most filesystems. */
const MAX_BASE_BYTES = 120;
const OF_ATTEMPT = /^\..+\.([0-9a-f]{32})\.([\w-]+)\.tmp$/s;

export function temporaryName(file: string, writer?: string, attempt = randomBytes(6).toString('hex')): string {
  return `${temporaryPrefix(file, writer)}${attempt}${END}`;
}

/** Whether it is a name of the same writer for the same file, whatever the attempt. */
export function isTemporaryOf(name: string, file: string, writer: string): boolean {
  return name.startsWith(temporaryPrefix(file, writer)) && name.endsWith(END);
}

export function temporaryOwner(name: string): WritingAttempt | undefined {
  const [, writer, attempt] = OF_ATTEMPT.exec(name) ?? [];
  return writer === undefined || attempt === undefined ? undefined : { writer, attempt };
}

function temporaryPrefix(file: string, writer: string | undefined): string {
  const base = Buffer.from(path.basename(file)).subarray(0, MAX_BASE_BYTES).toString();
  return `.${base}.${writer === undefined ? '' : `${writerKey(writer)}.`}`;
}
