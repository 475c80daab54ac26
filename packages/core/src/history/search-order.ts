import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { JobSort } from './job-search.ts';
import type { Position } from './position.ts';
import { COMPLETED, PREFIX_OF_NAME, PREFIX_OF_OPERATION, STARTED } from './search-conditions.ts';

/** What each sort goes by; an index has the same expression. Jobs of one state go by submission. */
const KEY_OF: Readonly<Record<JobSort['by'], RawBuilder<unknown>>> = {
  submitted_at: sql`jobs.submitted_at`,
  started_at: STARTED,
  completed_at: COMPLETED,
  duration: sql`coalesce(jobs.duration_ms, -1)`,
  priority: sql`jobs.priority`,
  name: PREFIX_OF_NAME,
  operation: PREFIX_OF_OPERATION,
  status: sql`jobs.submitted_at`,
};

/** The order of a page in the words of SQL. */
export interface Order {
  readonly sort: JobSort;
  readonly key: RawBuilder<unknown>;
  /** Columns that say where a row stands. */
  readonly position: RawBuilder<unknown>;
  readonly direction: RawBuilder<unknown>;
  /** The comparison that rows further on hold to. */
  readonly beyond: RawBuilder<unknown>;
}

export function orderOf(sort: JobSort): Order {
  const key = KEY_OF[sort.by];
  const rank = sort.by === 'status' ? sql`jobs.status` : sql`''`;
  return {
    ...{ sort, key },
    position: sql`jobs.id as id, ${key} as key, ${rank} as rank`,
    direction: sort.descending ? sql`desc` : sql`asc`,
    beyond: sort.descending ? sql`<` : sql`>`,
  };
}

/** Whether a row comes after a position, for rows that no index has in order. */
export function isBeyond({ sort: { by }, key, beyond }: Order, after: Position): RawBuilder<SqlBool> {
  const rows = sql<SqlBool>`(${key} ${beyond} ${after.key} or (${key} = ${after.key} and jobs.id ${beyond} ${after.id}))`;
  if (by !== 'status') return rows;
  return sql`(jobs.status ${beyond} ${after.rank} or (jobs.status = ${after.rank} and ${rows}))`;
}

export function isBefore(one: Position, other: Position, { descending }: JobSort): boolean {
  const order = compare(one.rank, other.rank) || compare(one.key, other.key) || one.id - other.id;
  return descending ? order > 0 : order < 0;
}

/** Text by bytes, as both databases compare it. */
function compare(one: string | number, other: string | number): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  return Buffer.compare(Buffer.from(String(one)), Buffer.from(String(other)));
}
