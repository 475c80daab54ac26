import { hash } from 'node:crypto';
import type { JobFilter, JobSort } from './job-search.ts';

/** Where a page ended: the sort key of its last row, and what makes that unique. */
export interface Position {
  /** The state, when sorted by that. */
  readonly rank: string;
  readonly key: string | number;
  readonly id: number;
}

/** In a form that says to clients: do not look inside. It holds for one sort and filter only. */
export function formatPosition(position: Position, filter: JobFilter, sort: JobSort): string {
  const { rank, key, id } = position;
  return Buffer.from(JSON.stringify([questionOf(filter, sort), rank, key, id])).toString('base64url');
}

/** @throws RangeError when it is not one of ours, or of another sort or filter */
export function parsePosition(cursor: string, filter: JobFilter, sort: JobSort): Position {
  const [question, rank, key, id] = partsOf(cursor);
  const isKey = typeof key === 'string' || Number.isSafeInteger(key);
  if (typeof rank !== 'string' || !isKey || !Number.isSafeInteger(id)) {
    throw new RangeError(`Cannot read the cursor "${cursor}": expected one from an earlier page`);
  }
  if (question !== questionOf(filter, sort)) {
    throw new RangeError(`Cannot go on at the cursor "${cursor}": expected the sort and the filters of its page`);
  }
  return { rank, key: key as Position['key'], id: id as number };
}

function partsOf(cursor: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
}

function questionOf(filter: JobFilter, sort: JobSort): string {
  const members = Object.entries(filter).filter(([, value]) => value !== undefined);
  return hash('sha1', JSON.stringify([members.sort(([a], [b]) => (a < b ? -1 : 1)), sort])).slice(0, 12);
}
