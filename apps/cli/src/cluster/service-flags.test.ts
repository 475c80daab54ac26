import { describe, expect, test } from 'vitest';
import { readServiceFlags } from './service-flags.ts';

describe('readServiceFlags', () => {
  test('gives each service the flags that it knows', () => {
    const { apiNodes, workers } = readServiceFlags(
      ['--slots', '2', '--host=127.0.0.1', '--data-dir=/d'],
      TWO_OF_EACH,
      {},
    );
    expect(workers[0]).toEqual(expect.arrayContaining(['--slots=2', '--data-dir=/d']));
    expect(apiNodes[0]).toEqual(expect.arrayContaining(['--host=127.0.0.1', '--data-dir=/d']));
    expect([...(apiNodes[0] ?? [])].join()).not.toContain('slots');
  });

  test('counts ports up, so that services on one host do not meet', () => {
    const { apiNodes, workers, apiUrls } = readServiceFlags(['--port=9000', '--metrics-port=9500'], TWO_OF_EACH, {});
    expect(apiUrls).toEqual(['http://127.0.0.1:9000', 'http://127.0.0.1:9001']);
    expect(apiNodes.map((flags) => flags.filter((flag) => flag.startsWith('--port')))).toEqual([
      ['--port=9000'],
      ['--port=9001'],
    ]);
    expect(workers.map((flags) => flags.find((flag) => flag.startsWith('--metrics-port')))).toEqual([
      '--metrics-port=9500',
      '--metrics-port=9501',
    ]);
  });

  test('keeps port 0, which every service may ask for', () => {
    const { workers } = readServiceFlags(['--metrics-port=0'], TWO_OF_EACH, {});
    expect(workers).toEqual([['--metrics-port=0'], ['--metrics-port=0']]);
  });

  test('numbers a name that several services would share', () => {
    const env = { GUESTKIT_WORKER_ID: 'lab' };
    expect(readServiceFlags([], TWO_OF_EACH, env).workers.flat()).toEqual(
      expect.arrayContaining(['--worker-id=lab-1', '--worker-id=lab-2']),
    );
    expect(readServiceFlags([], { apiNodes: 1, workers: 1 }, env).workers.flat().join()).not.toContain('worker-id');
  });

  test('refuses a flag that no service knows, naming the nearest', () => {
    expect(() => readServiceFlags(['--slotz=1'], TWO_OF_EACH, {})).toThrow(/--slotz: unknown flag.*--slots/);
  });
});

const TWO_OF_EACH = { apiNodes: 2, workers: 2 };
