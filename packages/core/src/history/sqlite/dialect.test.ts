import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CompiledQuery, Kysely } from 'kysely';
import { describe, expect, onTestFinished, test } from 'vitest';
import { jobDocument } from '../../../../../test/support/job.ts';
import type { HistorySchema } from '../schema.ts';
import { openSqlHistory } from '../sql-history.ts';
import { NodeSqliteDialect } from './dialect.ts';
import { SQLITE_FLAVOUR } from './flavour.ts';
import { WriteAheadLog } from './write-ahead-log.ts';

/** A disk that takes its time, or fails. */
class SlowLog extends WriteAheadLog {
  times = 0;
  gate: Promise<void> = Promise.resolve();

  override async toDisk(): Promise<void> {
    this.times += 1;
    await this.gate;
    await super.toDisk();
  }
}

async function open() {
  const folder = await mkdtemp(path.join(tmpdir(), 'gk-log-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'history.sqlite');
  const log = new SlowLog(file);
  const db = new Kysely<HistorySchema>({ dialect: new NodeSqliteDialect(file, log) });
  const history = await openSqlHistory(db, SQLITE_FLAVOUR);
  log.times = 0;
  return { history, log, db };
}

const accepted = (job_id: string) => ({
  tenant: 'acme',
  pool: 'default',
  document: jobDocument({ job_id }),
  acceptedAtMs: 0,
});

describe('a transaction in SQLite', () => {
  test('has ended when it is on the disk, and the event loop goes on meanwhile', async () => {
    const { history, log } = await open();
    await using _ = history;
    const disk = Promise.withResolvers<void>();
    log.gate = disk.promise;
    let isAccepted = false;
    const accepting = history.accept(accepted('job-slow-0001')).then(() => {
      isAccepted = true;
    });
    while (log.times === 0) await nextTurn();
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    expect(isAccepted).toBe(false);
    disk.resolve();
    await accepting;
    expect(log.times).toBe(1);
  });

  test('that may be lost does not wait for the disk', async () => {
    const { history, log } = await open();
    await using _ = history;
    await history.accept(accepted('job-mark-0001'));
    log.times = 0;
    await history.markEnqueued('acme', ['job-mark-0001']);
    expect(await history.countNotEnqueued(9)).toBe(0);
    expect(log.times).toBe(0);
    await history.accept(accepted('job-mark-0002'));
    expect(log.times).toBe(1);
  });

  test('fails when the disk does, and leaves the database to the next one', async () => {
    const { history, log } = await open();
    await using _ = history;
    const disk = Promise.withResolvers<void>();
    log.gate = disk.promise;
    disk.promise.catch(() => {});
    disk.reject(new Error('disk on fire'));
    await expect(history.accept(accepted('job-fire-0001'))).rejects.toThrow('disk on fire');
    log.gate = Promise.resolve();
    expect(await history.accept(accepted('job-fire-0002'))).toMatchObject({ outcome: 'created' });
  });

  test('is followed by single statements that wait for the disk by themselves', async () => {
    const { history, db } = await open();
    await using _ = history;
    await history.accept(accepted('job-full-0001'));
    const { rows } = await db.executeQuery<{ synchronous: number }>(CompiledQuery.raw('pragma synchronous'));
    expect(rows).toEqual([{ synchronous: 2 }]);
  });
});
