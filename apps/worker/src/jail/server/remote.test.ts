import { readWorkerConfig } from '@guestkit/core/config/worker-config';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Fault, type ImageServer, startImageServer } from '../../../../../test/support/image-server.ts';
import { remoteSettings } from '../../remote-settings.ts';
import { IMAGE_BYTES, type JailBench, openJailBench, type RunOptions } from '../../testing/jail-bench.ts';
import type { JailPool } from '../pool.ts';
import type { JailReport } from '../task.ts';

let bench: JailBench;
let jails: JailPool;

beforeAll(async () => {
  bench = await openJailBench();
  jails = await startPool([]);
});

afterAll(async () => {
  await jails?.[Symbol.asyncDispose]();
  await bench?.[Symbol.asyncDispose]();
});

describe('a remote image', () => {
  test('is read by a jail that has no network, and the report tells what was fetched', async () => {
    const server = await serve();
    const { ending, fetched, imageBytesRead } = await runOn(server, 'test.sum');
    expect(ending).toEqual({ kind: 'result', value: [IMAGE_BYTES.length] });
    expect(imageBytesRead).toBe(IMAGE_BYTES.length);
    expect(fetched).toMatchObject({ bytes_fetched: IMAGE_BYTES.length, requests: server.requests.length });
  });

  test('is checked against its checksum', async () => {
    const server = await serve();
    const images = [{ path: server.url, format: 'raw', checksum: 'a'.repeat(64) }];
    const { ending } = await bench.run('test.return', null, { jails, images });
    expect(ending).toMatchObject({ kind: 'refused', code: 'IMAGE_CHECKSUM_MISMATCH' });
  });

  test('names nothing that would be opened', async () => {
    const { ending } = await runOn(await serve(), 'test.reference', { name: 'base.raw', from: 0 });
    expect(ending).toMatchObject({
      kind: 'error',
      facts: { kind: 'denied', message: expect.stringMatching(/remote$/) },
    });
  });

  test.each<[string, Fault, string]>([
    ['is not there', (_, response) => Boolean(response.writeHead(404).end()), 'IMAGE_NOT_FOUND'],
    ['is forbidden', (_, response) => Boolean(response.writeHead(403).end()), 'IMAGE_FORBIDDEN'],
    ['has no server that answers', (request) => Boolean(request.socket.destroy()), 'IMAGE_UNREACHABLE'],
    ['changes', changing, 'IMAGE_CHANGED'],
    [
      'is served without ranges',
      (_, r) => Boolean(r.writeHead(200, { 'content-length': 2 ** 40 }).write('x')),
      'IMAGE_UNSUPPORTED',
    ],
    ['is cut short later', (request, _, { nth }) => nth > 0 && Boolean(request.socket.destroy()), 'IMAGE_UNREACHABLE'],
    [
      'leads to what is not allowed',
      (_, r) => Boolean(r.writeHead(302, { location: 'http://10.0.0.1/' }).end()),
      'PATH_DENIED',
    ],
  ])('that %s is told apart', async (_, fault, code) => {
    const { ending } = await runOn(await serve(fault), 'test.sum');
    expect(ending).toMatchObject({ kind: 'refused', code });
  });

  test('of which too much would have to be fetched is given up', async () => {
    await using limited = await startPool(['--remote-limit-mb', '2']);
    const { ending } = await runOn(await serve(), 'test.sum', null, { jails: limited });
    expect(ending).toMatchObject({ kind: 'refused', code: 'IMAGE_FETCH_LIMIT' });
  });

  test('without the word of the operator is refused', async () => {
    const { ending } = await runOn(await serve(), 'test.sum', null, { jails: bench.pool });
    expect(ending).toMatchObject({
      kind: 'refused',
      code: 'PATH_DENIED',
      message: expect.stringMatching(/no remote images$/),
    });
  });

  test('with a signature is shown without it', async () => {
    const server = await serve((_, response) => Boolean(response.writeHead(404).end()));
    const images = [{ path: `${server.url}?signature=secret`, format: 'raw' }];
    const { ending } = await bench.run('test.sum', null, { jails, images });
    expect(JSON.stringify(ending)).not.toMatch(/secret/);
  });
});

describe('a server that hangs', () => {
  test.each<[string, Fault]>([
    ['when the image is opened', () => true],
    ['within the reading', (_, _response, { nth }) => nth > 0],
  ])('%s keeps neither a timeout nor the seat', async (_, fault) => {
    const { ending } = await runOn(await serve(fault), 'test.sum', null, { timeoutMs: 1000 });
    expect(ending).toEqual({ kind: 'timeout' });
    expect((await runOn(await serve(), 'test.sum')).ending.kind).toBe('result');
  });

  test('does not keep a caller that stops the attempt', async () => {
    const stop = new AbortController();
    const server = await serve(() => {
      stop.abort();
      return true;
    });
    const { ending } = await runOn(server, 'test.sum', null, { signal: stop.signal });
    expect(ending).toEqual({ kind: 'stopped' });
  });
});

test('a jail that asks again before it is answered breaks the rules', async () => {
  const server = await serve((_, _response, { nth }) => nth > 0);
  // a read frame: 16 bytes of type 2, for source 0, offset 4 MiB, length 1
  const frame = Buffer.alloc(21);
  frame.writeUInt32LE(16, 0);
  frame.writeUInt8(2, 4);
  frame.writeDoubleLE(2 ** 22, 9);
  frame.writeUInt32LE(1, 17);
  const { ending } = await runOn(server, 'test.say', { base64: frame.toString('base64'), times: 2 });
  expect(ending).toEqual({ kind: 'abuse', message: 'Cannot accept a read frame: a request is still unanswered' });
});

function startPool(flags: readonly string[]): Promise<JailPool> {
  const argv = ['--remote-hosts', 'http://127.0.0.1:1', ...flags];
  const remote = remoteSettings(readWorkerConfig({ argv, env: {} }));
  // test servers take any port that is free
  const hosts = remote?.hosts.map((host) => ({ ...host, port: 'any' as const })) ?? [];
  return bench.startPool({ remote: remote && { ...remote, hosts } });
}

async function serve(fault?: Fault): Promise<ImageServer> {
  const server = await startImageServer(IMAGE_BYTES, fault);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

function runOn(
  server: ImageServer,
  operation: string,
  payload: unknown = null,
  options: RunOptions = {},
): Promise<JailReport> {
  return bench.run(operation, payload, { jails, images: [{ path: server.url, format: 'raw' }], ...options });
}

function changing(...[, , { nth, answer }]: Parameters<Fault>): boolean {
  answer({ headers: { etag: `"${nth}"` } });
  return true;
}
