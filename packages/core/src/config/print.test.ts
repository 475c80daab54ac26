import { describe, expect, test } from 'vitest';
import { loadApiConfig } from './api-config.ts';
import { API_KEYS } from './api-keys.ts';
import { describeConfig, describeKeys, renderConfig } from './print.ts';
import { loadWorkerConfig } from './worker-config.ts';
import { WORKER_KEYS } from './worker-keys.ts';

const loaded = loadApiConfig({
  argv: ['--port', '81', '--api-key', 'hunter1'],
  env: { REDIS_URL: 'redis://user:hunter2@with-at@host:1/0', GUESTKIT_TENANT: 'lab' },
});

describe('config print', () => {
  test('shows each key with its value and origin', () => {
    const rows = describeConfig(loaded);
    expect(rows).toContainEqual({ key: 'port', value: '81', origin: '--port' });
    expect(rows).toContainEqual({ key: 'tenant', value: 'lab', origin: 'GUESTKIT_TENANT' });
    expect(rows).toContainEqual({ key: 'host', value: '127.0.0.1', origin: 'default' });
    expect(rows).toContainEqual({ key: 'databaseUrl', value: '', origin: 'default' });
    expect(rows.map(({ key }) => key)).toEqual(Object.keys(API_KEYS));
  });

  test('masks secrets, and of a URL only the password', () => {
    const text = renderConfig(loaded);
    expect(text).toMatch(/^apiKey +\*{8} +--api-key$/m);
    expect(text).toMatch(/^redisUrl +redis:\/\/user:\*{8}@host:1\/0 +REDIS_URL$/m);
    expect(text).not.toMatch(/hunter|with-at/);
  });

  test.each([
    ['postgres://guestkit:hunter2@db:5432/jobs?sslmode=verify-full', '********@db:5432/jobs?sslmode=verify-full'],
    ['postgresql://guestkit:hunter@2@db/jobs', '********@db/jobs'],
    ['postgres:///jobs?host=/run/pg&user=guestkit&password=hunter2&port=1', 'password=********&port=1'],
  ])('masks the password of the database URL %s', (url, end) => {
    const shown = describeConfig(loadApiConfig({ argv: ['--database-url', url], env: {} }));
    const value = shown.find(({ key }) => key === 'databaseUrl')?.value ?? '';
    expect(value.endsWith(end)).toBe(true);
    expect(value).not.toMatch(/hunter/);
  });

  test('leaves URLs without a password as they are', () => {
    for (const url of ['redis://host:6379/0', 'redis://user@host', 'unix:/run/a@b/redis.sock', '/run/redis.sock']) {
      const rows = describeConfig(loadWorkerConfig({ argv: ['--redis-url', url], env: {} }));
      expect(rows.find(({ key }) => key === 'redisUrl')?.value).toBe(url);
    }
  });
});

describe('describeKeys', () => {
  test('gives every key a flag, a variable, a default and a sentence', () => {
    const help = describeKeys(WORKER_KEYS);
    expect(help).toContainEqual({
      key: 'jailMemoryMb',
      flag: '--jail-memory-mb',
      env: 'GUESTKIT_JAIL_MEMORY_MB',
      default: '512',
      doc: 'Memory of an attempt, in MiB',
    });
    expect(help.find(({ key }) => key === 'redisUrl')).toMatchObject({ env: 'REDIS_URL', default: '' });
    expect(help.find(({ key }) => key === 'imageRoots')).toMatchObject({ default: 'the working folder' });
    for (const { doc } of help) expect(doc).toMatch(/^[A-Z].{10,}[^.]$/);
  });
});
