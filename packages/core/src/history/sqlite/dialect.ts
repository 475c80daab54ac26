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
import { WriteAheadLog } from './write-ahead-log.ts';

/** How long a transaction waits for another to end; all of them are short. */
const BEGIN_TIMEOUT_MS = 10_000;
const BEGIN_AGAIN_MS = 2;
/** For the rare read that meets a lock: it blocks the process. */
const READ_TIMEOUT_MS = 1_000;
const SQLITE_BUSY = 5;
/** What `pragma synchronous` says where each commit is on the disk when it returns. */
const FULL = 2;
const KEPT_STATEMENTS = 200;

/** Kysely over Node's own SQLite, with a file that several processes may share. */
export class NodeSqliteDialect extends SqliteDialect {
  readonly #database: SqliteDatabase;
  readonly #log: WriteAheadLog | undefined;

  constructor(file: string, log = new WriteAheadLog(file)) {
    const { database, hasLog } = openDatabase(file);
    super({ database });
    this.#database = database;
    // a database in memory has none, nor has one on a file system that cannot share memory
    this.#log = hasLog ? log : undefined;
  }

  override createDriver(): SqliteDriver {
    return new ImmediateDriver(this.#database, this.#log);
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalAdapter();
  }
}

/**
 * Takes the write lock at once: a transaction that reads first and then writes would fail if another wrote in between. SQLite's own
 * wait for the lock would block the process, and for ever if that process has the other transaction too. So would its own wait for
 * the disk: a transaction is committed without, and has ended only when the log is on the disk.
 */
class ImmediateDriver extends SqliteDriver {
  readonly #log: WriteAheadLog | undefined;
  /** Of the transaction under way. */
  #mustReachDisk = false;
  #isCommitted = false;

  constructor(database: SqliteDatabase, log: WriteAheadLog | undefined) {
    super({ database });
    this.#log = log;
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    // whoever has asked for less than that before does not want to wait
    this.#mustReachDisk = this.#log !== undefined && (await synchronousOf(connection)) === FULL;
    this.#isCommitted = false;
    if (this.#mustReachDisk) await run(connection, 'pragma synchronous = normal');
    try {
      await begin(connection);
    } catch (error) {
      await this.#restore(connection);
      throw error;
    }
  }

  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await super.commitTransaction(connection);
    this.#isCommitted = true;
    await this.#restore(connection);
    if (this.#mustReachDisk) await this.#log?.toDisk();
  }

  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // there is nothing left to undo where the disk was at fault
    if (this.#isCommitted) return;
    await super.rollbackTransaction(connection);
    await this.#restore(connection);
  }

  override async destroy(): Promise<void> {
    await this.#log?.[Symbol.asyncDispose]();
    await super.destroy();
  }

  /** Single statements wait for the disk themselves. */
  async #restore(connection: DatabaseConnection): Promise<void> {
    if (this.#mustReachDisk) await run(connection, 'pragma synchronous = full');
  }
}

async function synchronousOf(connection: DatabaseConnection): Promise<number | undefined> {
  const { rows } = await connection.executeQuery<{ synchronous: number }>(CompiledQuery.raw('pragma synchronous'));
  return rows[0]?.synchronous;
}

async function run(connection: DatabaseConnection, statement: string): Promise<void> {
  await connection.executeQuery(CompiledQuery.raw(statement));
}

async function begin(connection: DatabaseConnection): Promise<void> {
  const deadlineMs = performance.now() + BEGIN_TIMEOUT_MS;
  while (!(await tryBegin(connection))) {
    if (performance.now() > deadlineMs) {
      throw new DatabaseFault(`Cannot write to the database: another process has held it for ${BEGIN_TIMEOUT_MS} ms`);
    }
    await delay(BEGIN_AGAIN_MS);
  }
}

async function tryBegin(connection: DatabaseConnection): Promise<boolean> {
  await run(connection, 'pragma busy_timeout = 0');
  try {
    await run(connection, 'begin immediate');
    return true;
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return false;
    throw error;
  } finally {
    await run(connection, `pragma busy_timeout = ${READ_TIMEOUT_MS}`);
  }
}

/** Lets migrations run in a transaction, which also keeps two processes from running them at once. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

function openDatabase(file: string): { readonly database: SqliteDatabase; readonly hasLog: boolean } {
  const database = new DatabaseSync(file, { timeout: READ_TIMEOUT_MS });
  // readers do not wait for the writer, and a commit is on the disk when it returns
  const mode = database.prepare('pragma journal_mode = wal').get()?.journal_mode;
  database.exec('pragma synchronous = full');
  const statements = new Map<string, SqliteStatement>();
  const caching: SqliteDatabase = {
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
  return { database: caching, hasLog: mode === 'wal' };
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
