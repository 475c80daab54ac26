import { sql } from 'kysely';

// A partial index serves only a query that has the very words of the index in its text: SQLite sees none for a value that is bound.

export const PENDING = sql.lit('pending' as const);

export const IS_UNFINISHED = sql<boolean>`status in ('running', 'assigned', 'pending')`;
