import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../../../../../test/support/condition.ts';
import { connectRedis, type RedisConnection } from './connection.ts';
import { openEmbeddedRedis } from './embedded-redis.ts';

const run = promisify(execFile);
const hasSetpriv = await run('setpriv', ['--pdeathsig', 'TERM', 'true']).then(
  () => true,
  () => false,
);

describe('openEmbeddedRedis', () => {
  test('starts a server that listens on no port, evicts nothing and writes what it is told to a file', async () => {
    await using redis = await openEmbeddedRedis({ dataDir: await temporaryFolder() });
    await using connection = await connectRedis(redis.url, { role: 'client' });
    expect(redis.isOwner).toBe(true);
    const settings = await Promise.all(
      ['port', 'maxmemory-policy', 'appendonly', 'appendfsync', 'save', 'hash-max-listpack-value'].map((name) =>
        setting(connection, name),
      ),
    );
    expect(settings).toEqual(['0', 'noeviction', 'yes', 'everysec', '', '2048']);
  });

  test('keeps what was written from one start to the next', async () => {
    const dataDir = await temporaryFolder();
    for (const expected of [null, 'kept']) {
      await using redis = await openEmbeddedRedis({ dataDir });
      await using connection = await connectRedis(redis.url, { role: 'client' });
      expect(await connection.client.get('key')).toBe(expected);
      await connection.client.set('key', 'kept');
    }
  });

  test('uses the server that runs already, and leaves it to its owner to end it', async () => {
    const dataDir = await temporaryFolder();
    await using owner = await openEmbeddedRedis({ dataDir });
    {
      await using guest = await openEmbeddedRedis({ dataDir });
      expect(guest).toMatchObject({ url: owner.url, isOwner: false });
    }
    await using connection = await connectRedis(owner.url, { role: 'client' });
    expect(await connection.client.ping()).toBe('PONG');
  });

  test('starts one server for any number who ask at once', async () => {
    const dataDir = await temporaryFolder();
    const opened = await Promise.all(Array.from({ length: 6 }, () => openEmbeddedRedis({ dataDir })));
    expect(opened.filter(({ isOwner }) => isOwner)).toHaveLength(1);
    for (const redis of opened) await redis[Symbol.asyncDispose]();
  });

  test('ends the server when it is disposed of', async () => {
    const redis = await openEmbeddedRedis({ dataDir: await temporaryFolder() });
    await redis[Symbol.asyncDispose]();
    await expect(connectRedis(redis.url, { role: 'client', timeoutMs: 200 })).rejects.toThrow('Cannot reach Redis');
  });

  test('takes over the lock of a starter that died', async () => {
    const dataDir = await temporaryFolder();
    await mkdir(path.join(dataDir, 'redis', 'starting'), { recursive: true });
    await writeFile(path.join(dataDir, 'redis', 'starting', 'owner'), String(await deadPid()));
    await using redis = await openEmbeddedRedis({ dataDir });
    expect(redis.isOwner).toBe(true);
  });

  test('puts the socket elsewhere when the path of the folder is too long for one', async () => {
    const dataDir = path.join(await temporaryFolder(), 'a'.repeat(60), 'b'.repeat(60));
    let url: string;
    {
      await using redis = await openEmbeddedRedis({ dataDir });
      await using guest = await openEmbeddedRedis({ dataDir });
      await using connection = await connectRedis(redis.url, { role: 'client' });
      expect(await connection.client.ping()).toBe('PONG');
      expect(guest).toMatchObject({ url: redis.url, isOwner: false });
      url = redis.url;
    }
    expect(await readdir(path.dirname(url.slice('unix:'.length))).catch((error) => error.code)).toBe('ENOENT');
  });

  test('tells when the server ends by itself', async () => {
    const ended = Promise.withResolvers<Error>();
    await using redis = await openEmbeddedRedis({ dataDir: await temporaryFolder(), onUnexpectedEnd: ended.resolve });
    await using connection = await connectRedis(redis.url, { role: 'client' });
    await connection.client.shutdown('NOSAVE').catch(() => {});
    expect((await ended.promise).message).toContain('The embedded Redis ended with');
  });

  test('says which package to install when there is no redis-server', async () => {
    const program = startOwner(await temporaryFolder(), { PATH: '/nowhere' });
    expect(await text(program.stderr)).toContain('apt-get install redis-server');
  });

  test('says where to look when redis-server ends at once', async () => {
    const dataDir = await temporaryFolder();
    // a folder where its log should be
    await mkdir(path.join(dataDir, 'redis', 'redis.log'), { recursive: true });
    await expect(openEmbeddedRedis({ dataDir })).rejects.toThrow(/redis-server ended with 1, see ".*redis\.log"/);
  });

  test.skipIf(!hasSetpriv)('ends the server when its owner is killed (needs setpriv)', async () => {
    const dataDir = await temporaryFolder();
    const program = startOwner(dataDir);
    const [url] = await once(program.stdout, 'data');
    await using connection = await connectRedis(String(url).trim(), { role: 'client' });
    program.kill('SIGKILL');
    await until('the server is gone', () => !connection.isReady);
    await until('it said goodbye', async () =>
      (await readFile(path.join(dataDir, 'redis', 'redis.log'), 'utf8')).includes('bye bye'),
    );
  });
});

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gk-embedded-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function setting({ client }: RedisConnection, name: string): Promise<string | undefined> {
  return ((await client.config('GET', name)) as string[])[1];
}

/** A program that opens the embedded Redis, writes its url, and stays. */
function startOwner(
  dataDir: string,
  environment: NodeJS.ProcessEnv = {},
): ChildProcessByStdio<null, Readable, Readable> {
  const code = `
    import { openEmbeddedRedis } from '@guestkit/core/coordination/redis/embedded-redis';
    const redis = await openEmbeddedRedis({ dataDir: process.argv[1] });
    console.log(redis.url);
    setInterval(() => {}, 1000);
  `;
  const program = spawn(process.execPath, ['--input-type=module', '--eval', code, dataDir], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void program.kill('SIGKILL'));
  return program;
}

async function deadPid(): Promise<number> {
  const program = spawn('true');
  await once(program, 'exit');
  return program.pid ?? 0;
}
