import type { FileType } from '@guestkit/disk';
import { InvalidArgumentError } from 'commander';

// What the options of `guestctl find` may say.

/** Both ends included. */
export interface SizeBounds {
  readonly least: number;
  readonly most: number;
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** `+10M` is at least that much, `-10M` at most, `10M` exactly. */
export function parseSize(text: string): SizeBounds {
  const [, sign, digits, unit = ''] = /^([+-]?)(\d{1,15})([kMGT]?)$/.exec(text) ?? [];
  if (digits === undefined) {
    throw new InvalidArgumentError('expected a number such as +10M, -4k or 512.');
  }
  const bytes = Number(digits) * (UNITS[unit] as number);
  return { least: sign === '-' ? 0 : bytes, most: sign === '+' ? Number.POSITIVE_INFINITY : bytes };
}

/** What any calendar of JavaScript reads, in UTC where nothing else is said. */
export function parseTime(text: string): Date {
  const time = new Date(text);
  if (!Number.isNaN(time.getTime())) return time;
  throw new InvalidArgumentError('expected one such as 2026-03-01 or 2026-03-01T08:00:00Z.');
}

/** Octal, as `chmod` takes it. */
export function parsePermissions(text: string): number {
  if (/^[0-7]{1,4}$/.test(text)) return Number.parseInt(text, 8);
  throw new InvalidArgumentError('expected octal digits such as 4000 or 0002.');
}

const LETTERS: Readonly<Record<string, FileType>> = {
  f: 'file',
  d: 'directory',
  l: 'symlink',
  c: 'character',
  b: 'block',
  p: 'fifo',
  s: 'socket',
};

/** Letters as `find` takes them, with commas between several. */
export function parseTypes(text: string): readonly FileType[] {
  return text.split(',').map((letter) => {
    const type = LETTERS[letter];
    if (type !== undefined) return type;
    throw new InvalidArgumentError(`expected some of ${Object.keys(LETTERS).join(', ')}.`);
  });
}
