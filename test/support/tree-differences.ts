import type { ListedFile } from './listed-file.ts';

export interface ComparisonOptions {
  /** Fields not to compare. Without this: when a file was read, and when it was made, which few formats and readers keep. */
  readonly leaveOut?: readonly (keyof ListedFile)[];
  /** What the two lists are called. */
  readonly names?: readonly [one: string, other: string];
  /** Differences after these are only counted. */
  readonly limit?: number;
}

export const LEFT_OUT: readonly (keyof ListedFile)[] = ['accessed', 'created'];

/**
 * How two lists of the same files differ, a line for each difference, nothing when they do not: `expect(differences(…)).toEqual([])`.
 * A field that one list does not have for any reason but a difference (no `xattrs`: no tool to ask with) is not compared.
 */
export function differences(
  ours: readonly ListedFile[],
  theirs: readonly ListedFile[],
  { leaveOut = LEFT_OUT, names = ['ours', 'kernel'], limit = 20 }: ComparisonOptions = {},
): string[] {
  const found: string[] = [];
  const others = new Map(theirs.map((file) => [file.path, file]));
  for (const file of ours) {
    const other = others.get(file.path);
    others.delete(file.path);
    if (other === undefined) found.push(`${JSON.stringify(file.path)}: only in ${names[0]}`);
    else found.push(...fieldDifferences(file, other, leaveOut, names));
  }
  found.push(...[...others.keys()].map((path) => `${JSON.stringify(path)}: only in ${names[1]}`));
  return found.length <= limit ? found : [...found.slice(0, limit), `… and ${found.length - limit} more differences`];
}

function fieldDifferences(
  file: ListedFile,
  other: ListedFile,
  leaveOut: readonly (keyof ListedFile)[],
  [ours, theirs]: readonly [string, string],
): string[] {
  const fields = [...new Set([...Object.keys(file), ...Object.keys(other)])] as (keyof ListedFile)[];
  const differing = fields.filter((field) => {
    if (leaveOut.includes(field) || (field === 'xattrs' && (!file.xattrs || !other.xattrs))) return false;
    return text(file[field]) !== text(other[field]);
  });
  const at = JSON.stringify(file.path);
  return differing.map(
    (field) => `${at}: ${field} is ${brief(file[field])} in ${ours}, ${brief(other[field])} in ${theirs}`,
  );
}

function text(value: unknown): string {
  return JSON.stringify(value) ?? 'absent';
}

const BRIEF_LENGTH = 200;

function brief(value: unknown): string {
  const whole = text(value);
  return whole.length <= BRIEF_LENGTH ? whole : `${whole.slice(0, BRIEF_LENGTH)}… (${whole.length} characters)`;
}
