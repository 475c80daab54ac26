import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { until } from '../../../../../test/support/condition.ts';
import { attemptEvents } from '../../../../../test/support/job-events.ts';
import { startRedis, type TestRedis } from '../../../../../test/support/redis-server.ts';
import type { JobEvent } from '../../job/event.ts';
import { attemptName, writerKey, writerOf } from '../../job/writing-attempt.ts';
import type { EventStream } from '../event-stream.ts';
import { connectRedis, type RedisConnection } from './connection.ts';
import { RedisEventStream } from './event-stream.ts';
import { RedisFence } from './fence.ts';

let redis: TestRedis;
let connection: RedisConnection;
beforeAll(async () => {
  redis = await startRedis();
  connection = await connectRedis(redis.url, { role: 'client' });
});
afterAll(async () => {
  await connection[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

describe('RedisEventStream', () => {
  test('hands over events in the order in which they were published', async () => {
    const { stream } = open();
    await using _stream = stream;
    const events = numbered(250);
    await using reading = read(stream);
    await stream.publish(events.slice(0, 100));
    await stream.publish(events.slice(100));
    await until('all are read', () => reading.events.length === events.length);
    expect(reading.events).toEqual(events);
  });

  test('tells what is left to be recorded, and whether all up to a mark is', async () => {
    const { stream } = open();
    await using _stream = stream;
    expect(await stream.isRecorded(await stream.mark())).toBe(true);
    expect(await stream.backlog()).toEqual({ entries: 0, sinceMs: undefined });
    await stream.publish(numbered(3));
    const mark = await stream.mark();
    expect(await stream.isRecorded(mark)).toBe(false);
    expect((await stream.backlog()).entries).toBeGreaterThan(0);
    await using reading = read(stream);
    await until('all are read', () => reading.events.length === 3);
    await until('all up to the mark are recorded', () => stream.isRecorded(mark));
    await until('nothing is left', async () => (await stream.backlog()).entries === 0);
  });

  test('hands over what was published before anybody read', async () => {
    const { stream } = open();
    await using _stream = stream;
    await stream.publish(numbered(3));
    await using reading = read(stream);
    await until('all are read', () => reading.events.length === 3);
  });

  test('never hands over more at once than the batch size', async () => {
    const { stream } = open();
    await using _stream = stream;
    await stream.publish(numbered(25));
    await using reading = read(stream, { batchSize: 10 });
    await until('all are read', () => reading.events.length === 25);
    expect(reading.batches.map((batch) => batch.length)).toEqual([10, 10, 5]);
  });

  test('compresses a large event, and hands it over whole', async () => {
    const { stream, key } = open();
    await using _stream = stream;
    const event = attemptEvents().finished({ data: { lines: Array(50_000).fill('the same again') } });
    await stream.publish([event]);
    expect(await connection.client.memory('USAGE', key)).toBeLessThan(50_000);
    await using reading = read(stream);
    await until('it is read', () => reading.events.length === 1);
    expect(reading.events).toEqual([event]);
  });

  test('puts what is published at once into one entry, and large events between small ones into their own', async () => {
    const { stream, key } = open();
    await using _stream = stream;
    const told = attemptEvents();
    const large = told.finished({ data: { lines: Array(50_000).fill('the same again') } });
    const events = [told.progress('a'), told.progress('b'), large, told.progress('c')];
    await Promise.all(events.map((event) => stream.publish([event])));
    const entries = await connection.client.xrange(key, '-', '+');
    expect(entries.map(([, fields]) => fields[0])).toEqual(['batch', 'zstd', 'json']);
    await using reading = read(stream);
    await until('all are read', () => reading.events.length === events.length);
    expect(reading.events).toEqual(events);
  });

  test('keeps nothing of what was recorded', async () => {
    const { stream, key } = open();
    await using _stream = stream;
    await stream.publish(numbered(10));
    await using _reading = read(stream);
    await until('the stream is empty', async () => (await connection.client.xlen(key)) === 0);
  });

  test('hands over again what could not be recorded', async () => {
    const { stream, key } = open();
    await using _stream = stream;
    await stream.publish(numbered(3));
    let failures = 2;
    await using reading = read(stream, {
      record: async () => {
        failures -= 1;
        if (failures >= 0) throw new Error('no room');
      },
    });
    await until('the stream is empty', async () => (await connection.client.xlen(key)) === 0);
    expect(reading.batches.map((batch) => batch.length)).toEqual([3, 3, 3]);
    expect(reading.errors.map((error) => error.message)).toEqual(['no room', 'no room']);
  });

  test('shares the work among consumers, each event once', async () => {
    const { stream } = open();
    await using _stream = stream;
    await using first = read(stream, { consumer: 'first', batchSize: 5 });
    await using second = read(stream, { consumer: 'second', batchSize: 5 });
    const events = numbered(200);
    for (const event of events) await stream.publish([event]);
    await until('all are read', () => first.events.length + second.events.length === events.length);
    const sequences = [...first.events, ...second.events].map(({ sequence }) => sequence).sort((a, b) => a - b);
    expect(sequences).toEqual(events.map(({ sequence }) => sequence));
  });

  test('records in the order of the stream, though a consumer is slow', async () => {
    const { stream, key } = open();
    await using _stream = stream;
    const [early, late] = [numbered(3).slice(0, 1), numbered(3).slice(1)];
    const recorded: number[] = [];
    const slow = Promise.withResolvers<void>();
    await stream.publish(early);
    await using first = read(stream, {
      consumer: 'slow',
      record: () => slow.promise.then(() => void recorded.push(1)),
    });
    await until('it has the first', () => first.events.length === 1);
    await using second = read(stream, { consumer: 'quick', record: async () => void recorded.push(2) });
    await stream.publish(late);
    const readers = async () => JSON.stringify(await connection.client.xpending(key, 'recorders'));
    await until('the other has the rest', async () => (await readers()).includes('quick'));
    await delay(100);
    expect([recorded, second.events]).toEqual([[], []]);
    slow.resolve();
    await until('all is recorded', () => recorded.length === 2);
    expect(recorded).toEqual([1, 2]);
  });

  test('gives what a vanished consumer had read, but not recorded, to another', async () => {
    const { stream } = open({ reclaimAfterMs: 100 });
    await using _stream = stream;
    await stream.publish(numbered(4));
    const end = Promise.withResolvers<void>();
    const vanished = read(stream, { consumer: 'vanished', record: () => end.promise });
    await until('it holds them', () => vanished.events.length === 4);
    await using reading = read(stream, { consumer: 'other' });
    await until('the other has them', () => reading.events.length === 4);
    end.resolve();
  });

  test('begins with what the same consumer had left behind', async () => {
    const { stream, key } = open();
    await using _stream = stream;
    const group = ['GROUP', 'recorders', 'me', 'COUNT', '10', 'STREAMS', key, '>'];
    await connection.client.xgroup('CREATE', key, 'recorders', '0', 'MKSTREAM');
    await stream.publish(numbered(2));
    await connection.client.call('XREADGROUP', group);
    await using reading = read(stream, { consumer: 'me' });
    await until('they are read', () => reading.events.length === 2);
  });

  test('passes over an entry that is none of ours, and tells of it', async () => {
    const { stream, key } = open();
    await using _stream = stream;
    await connection.client.xadd(key, '*', 'json', '{ "broken');
    await connection.client.xadd(key, '*', 'other', 'thing');
    await stream.publish(numbered(1));
    await using reading = read(stream);
    await until('ours is read', () => reading.events.length === 1);
    await until('the stream is empty', async () => (await connection.client.xlen(key)) === 0);
    expect(reading.errors).toHaveLength(2);
  });

  test('goes on after a flush of Redis', async () => {
    const { stream } = open();
    await using _stream = stream;
    await using reading = read(stream);
    await stream.publish(numbered(1));
    await until('the first is read', () => reading.events.length === 1);
    await connection.client.flushall();
    await stream.publish(numbered(2).slice(1));
    await until('the second is read', () => reading.events.length === 2);
    expect(reading.errors).toEqual([]);
  });

  test('goes on after Redis was killed and restarted, for readers and writers', async () => {
    await using server = await startRedis();
    await using client = await connectRedis(server.url, { role: 'client' });
    await using stream = new RedisEventStream({ connection: client, prefix: 'outage' });
    await using reading = read(stream);
    await stream.publish(numbered(1));
    await until('the first is read', () => reading.events.length === 1);
    await server.kill();
    const published = stream.publish(numbered(2).slice(1));
    await server.restart();
    await published;
    await until('the second is read', () => reading.events.length === 2);
  });

  test('takes what is told while Redis has no memory for it, once it has', async () => {
    await using server = await startRedis();
    await using client = await connectRedis(server.url, { role: 'client' });
    await using stream = new RedisEventStream({ connection: client, prefix: 'full' });
    const fence = new RedisFence({ connection: client, prefix: 'full' });
    const claim = { tenant: 'acme', jobId: 'job-test-0001', attempt: 1, token: 'a' };
    await fence.raise(claim, 60_000);
    await client.client.config('SET', 'maxmemory', '1mb');
    const onTold = vi.fn();
    const all = [stream.publish(numbered(1)), stream.publishEnd(numbered(1), claim)];
    for (const each of all) each.then(onTold);
    await delay(300);
    expect(onTold).not.toHaveBeenCalled();
    await client.client.config('SET', 'maxmemory', '0');
    await Promise.all(all);
    await using reading = read(stream);
    await until('both are read', () => reading.events.length === 2);
  });

  test('ends at once when its signal fires while Redis is away', async () => {
    await using server = await startRedis();
    await using client = await connectRedis(server.url, { role: 'client' });
    await using stream = new RedisEventStream({ connection: client, prefix: 'away' });
    const reading = read(stream);
    await stream.publish(numbered(1));
    await until('the first is read', () => reading.events.length === 1);
    await server.kill();
    await until('the outage is noticed', () => !client.isReady);
    const before = performance.now();
    await reading[Symbol.asyncDispose]();
    expect(performance.now() - before).toBeLessThan(1_000);
  });

  test('ends a wait for events at once when its signal fires', async () => {
    const { stream } = open();
    await using _stream = stream;
    const reading = read(stream);
    await stream.publish(numbered(1));
    await until('it waits for more', () => reading.events.length === 1);
    const before = performance.now();
    await reading[Symbol.asyncDispose]();
    expect(performance.now() - before).toBeLessThan(1_000);
  });
});

describe('the end of an attempt that may publish', () => {
  const CLAIM = { tenant: 'acme', jobId: 'job-test-0001', attempt: 2, token: 'b' };

  test('closes the fence with the same step', async () => {
    const { stream, fence, key } = open();
    await using _stream = stream;
    await fence.raise(CLAIM, 60_000);
    expect(await stream.publishEnd(numbered(2), CLAIM)).toBe('published');
    expect(await fence.holds(CLAIM)).toBe(false);
    expect(await fence.raise({ ...CLAIM, attempt: 3 }, 60_000)).toBe('closed');
    expect(await fence.standingOf({ writer: writerKey(writerOf(CLAIM)), attempt: attemptName(CLAIM) })).toBe('over');
    await using reading = read(stream);
    await until('both are read', () => reading.events.length === 2);
    await until('the stream is empty', async () => (await connection.client.xlen(key)) === 0);
  });

  test('is told once, though it is sent again because the answer got lost', async () => {
    const { stream, fence, key } = open();
    await using _stream = stream;
    await fence.raise(CLAIM, 60_000);
    for (let n = 0; n < 2; n += 1) expect(await stream.publishEnd(numbered(1), CLAIM)).toBe('published');
    expect(await connection.client.xlen(key)).toBe(1);
  });

  test('is not told when a newer attempt has begun, its job has ended, or the fence knows nothing of it', async () => {
    const { stream, fence, key } = open();
    await using _stream = stream;
    expect(await stream.publishEnd(numbered(1), CLAIM)).toBe('overtaken');
    await fence.raise({ ...CLAIM, attempt: 3 }, 60_000);
    expect(await stream.publishEnd(numbered(1), CLAIM)).toBe('overtaken');
    await fence.close(CLAIM.tenant, CLAIM.jobId);
    expect(await stream.publishEnd(numbered(1), CLAIM)).toBe('closed');
    expect(await connection.client.exists(key)).toBe(0);
  });
});

function open({ reclaimAfterMs = 15_000 } = {}) {
  const prefix = randomUUID();
  const stream = new RedisEventStream({ connection, prefix, reclaimAfterMs });
  return { stream, fence: new RedisFence({ connection, prefix }), key: `${prefix}:events` };
}

function numbered(count: number): readonly JobEvent[] {
  const events = attemptEvents();
  return Array.from({ length: count }, (_, index) => events.progress(`step ${index}`));
}

interface Reading extends AsyncDisposable {
  readonly events: readonly JobEvent[];
  readonly batches: readonly (readonly JobEvent[])[];
  readonly errors: readonly Error[];
}

function read(
  stream: EventStream,
  { consumer = 'me', batchSize = 100, record = async (): Promise<void> => {} } = {},
): Reading {
  const stopping = new AbortController();
  const events: JobEvent[] = [];
  const batches: (readonly JobEvent[])[] = [];
  const errors: Error[] = [];
  const note = (batch: readonly JobEvent[]) => {
    batches.push(batch);
    events.push(...batch);
    return record();
  };
  const options = { consumer, batchSize, record: note, onError: (error: Error) => errors.push(error) };
  const consumption = stream.consume(options, stopping.signal);
  return {
    events,
    batches,
    errors,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await consumption;
    },
  };
}
