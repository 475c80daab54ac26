import { mkdirSync, readdirSync, realpathSync } from 'node:fs';
import { CommandError } from '../../exit-code.ts';

/**
 * The folder to extract into, new or empty: then everything in it is of this command's making, and no link in it can lead
 * elsewhere while files are written.
 */
export function makeTarget(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (readdirSync(folder).length === 0) return realpathSync(folder);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new CommandError('io', `Cannot extract into "${folder}": ${code}`, { cause });
  }
  throw new CommandError('usage', `Cannot extract into "${folder}": it is not empty, expected a new or empty folder`);
}
