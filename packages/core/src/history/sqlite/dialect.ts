import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import {
  CompiledQuery,
  type DatabaseConnection,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
  type SqliteStatement,
} from 'kysely';
import { DatabaseFault } from '../database-fault.ts';

/** How long a transaction waits for another to end; all of them are short. */
const BEGIN_TIMEOUT_MS = 10_000;
const BEGIN_AGAIN_MS = 2;
/** For the rare read that meets a lock: it blocks the process. */
const READ_TIMEOUT_MS = 1_000;
const SQLITE_BUSY = 5;
const KEPT_STATEMENTS = 200;

/** Kysely over Node's own SQLite, with a file that several processes may share. */
export class NodeSqliteDialect extends SqliteDialect {
  readonly #database: SqliteDatabase;

  constructor(file: string) {
    const database = openDatabase(file);
    super({ database });
    this.#database = database;
  }

  override createDriver(): SqliteDriver {
    return new ImmediateDriver({ database: this.#database });
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalAdapter();
  }
}

/**
 * Takes the write lock at once: a transaction that reads first and then writes would fail if another wrote in between. SQLite's own
 * wait for the lock would block the process, and for ever if that process has the other transaction too.
 */
class ImmediateDriver extends SqliteDriver {
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    const deadlineMs = performance.now() + BEGIN_TIMEOUT_MS;
    while (!(await tryBegin(connection))) {
      if (performance.now() > deadlineMs) {
        throw new DatabaseFault(`Cannot write to the database: another process has held it for ${BEGIN_TIMEOUT_MS} ms`);
      }
      await delay(BEGIN_AGAIN_MS);
    }
  }
}

async function tryBegin(connection: DatabaseConnection): Promise<boolean> {
  await connection.executeQuery(CompiledQuery.raw('pragma busy_timeout = 0'));
  try {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
    return true;
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return false;
    throw error;
  } finally {
    await connection.executeQuery(CompiledQuery.raw(`pragma busy_timeout = ${READ_TIMEOUT_MS}`));
  }
}

/** Lets migrations run in a transaction, which also keeps two processes from running them at once. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

function openDatabase(file: string): SqliteDatabase {
  const database = new DatabaseSync(file, { timeout: READ_TIMEOUT_MS });
  // readers do not wait for the writer, and a commit is on the disk when it returns
  database.exec('pragma journal_mode = wal');
  database.exec('pragma synchronous = full');
  const statements = new Map<string, SqliteStatement>();
  return {
    close: () => database.close(),
    prepare: (sql) => {
      const statement = statements.get(sql) ?? toKyselyStatement(database.prepare(sql));
      // what is used goes to the end, what is not falls off the front
      statements.delete(sql);
      statements.set(sql, statement);
      if (statements.size > KEPT_STATEMENTS) statements.delete(statements.keys().next().value ?? '');
      return statement;
    },
  };
}

function toKyselyStatement(statement: StatementSync): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...parameters.map(toInputValue)),
    run: (parameters) => statement.run(...parameters.map(toInputValue)),
    iterate: (parameters) => statement.iterate(...parameters.map(toInputValue)),
  };
}

function toInputValue(value: unknown): SQLInputValue {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value;
  throw new TypeError(`Cannot store a value of type ${typeof value}: expected text, a number or null`);
}
