import type { PostgresCursor, PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import { DatabaseError, Pool, type PoolClient, types } from 'pg';
import { DatabaseFault } from '../database-fault.ts';

export interface PoolOptions {
  readonly url: string;
  /** Told of idle connections that break. */
  readonly onError: (error: Error) => void;
  /** How long a statement may take, by the clock of the server. */
  readonly statementTimeoutMs?: number;
  /** How long to wait for an answer from a server that may be gone. */
  readonly answerTimeoutMs?: number;
}

const MAX_CONNECTIONS = 10;
const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 30_000;
/** A node that was stopped within a transaction must not hold its rows for ever. */
const IDLE_TRANSACTION_TIMEOUT_MS = 30_000;
const ANSWER_TIMEOUT_MS = 40_000;

/** A bounded pool of connections; what the URL says of them goes before what is said here. */
export function createPool(options: PoolOptions): PostgresPool & { readonly options: object } {
  const { url, onError, statementTimeoutMs = STATEMENT_TIMEOUT_MS, answerTimeoutMs = ANSWER_TIMEOUT_MS } = options;
  const pool = new Pool({
    connectionString: url,
    application_name: 'guestkit',
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: statementTimeoutMs,
    query_timeout: answerTimeoutMs,
    idle_in_transaction_session_timeout: IDLE_TRANSACTION_TIMEOUT_MS,
    keepAlive: true,
    types: { getTypeParser: (oid, format) => PARSER_OF_TYPE[oid] ?? types.getTypeParser(oid, format) },
  });
  // an error that nobody listens for would end the process
  pool.on('error', onError);
  // a connection in use that breaks between two statements says so in answer to the next one
  pool.on('connect', (client) => client.on('error', () => {}));
  return {
    options: pool.options,
    end: () => pool.end(),
    connect: async () => new Session(await pool.connect().catch(rejectAsFault)),
  };
}

const PARSER_OF_TYPE: Readonly<Record<number, (text: string) => unknown>> = {
  // ids, sequences and counts are far below 2^53
  [types.builtins.INT8]: Number,
  // rows have JSON as text, as in SQLite
  [types.builtins.JSONB]: (text) => text,
};

/** A connection in use; one that gave no answer is not used again. */
class Session implements PostgresPoolClient {
  readonly #client: PoolClient;
  #isBroken = false;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  query<Row>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<Row>>;
  query<Row>(cursor: PostgresCursor<Row>): PostgresCursor<Row>;
  query(text: unknown, parameters: readonly unknown[] = []): unknown {
    if (typeof text !== 'string') throw new TypeError('Cannot query with a cursor: expected text');
    return this.#client.query(text, parameters.map(toParameter)).catch((error) => {
      this.#isBroken ||= !(error instanceof DatabaseError);
      return rejectAsFault(error);
    });
  }

  release(destroy = false): void {
    this.#client.release(destroy || this.#isBroken);
  }
}

/** Text in PostgreSQL has no U+0000. JSON, which has the truth, writes it as an escape. */
function toParameter(value: unknown): unknown {
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;
}

/**
 * Classes of states that speak of the surroundings: no connection, out of resources, stopped by an operator, a fault of the
 * system; then single ones: a standby, a transaction left idle, a lock not had in time.
 */
const FAULT_STATES = /^(?:08|53|57|58)|^(?:25006|25P03|55P03)$/;

function rejectAsFault(cause: unknown): never {
  // an error without a state is none of the server's: it could not be asked
  if (cause instanceof DatabaseError && !FAULT_STATES.test(cause.code ?? '')) throw cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  throw new DatabaseFault(`Cannot reach the database: ${reason}`, { cause });
}
