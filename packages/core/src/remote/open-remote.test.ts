import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  type Asked,
  type Content,
  type Fault,
  type ImageServer,
  startImageServer,
} from '../../../../test/support/image-server.ts';
import { BLOCK_BYTES } from './block-reader.ts';
import { type HostRule, parseHostRule } from './host-rule.ts';
import { openRemoteImage, REMOTE_DEFAULTS, type RemoteImage, type RemoteSettings } from './open-remote.ts';

/** Fifty blocks and a bit, of which none is like another. */
const IMAGE = patterned(50 * BLOCK_BYTES + 4321);
const SMALL = patterned(1000);

describe('a remote image', () => {
  test('has the bytes of the object, wherever they are read', async () => {
    const { image } = await serve(IMAGE, { cacheBytes: 4 * BLOCK_BYTES });
    expect(image.sizeBytes).toBe(IMAGE.length);
    for (const [offset, length] of placesIn(IMAGE)) {
      expect(digest(await image.read(offset, length))).toBe(digest(IMAGE.subarray(offset, offset + length)));
    }
  });

  test('that is small comes with the answer that tells its size', async () => {
    const { server, image } = await serve(SMALL);
    expect(await image.read(10, 20)).toEqual(SMALL.subarray(10, 30));
    expect(server.requests).toHaveLength(1);
    expect(image.usage).toEqual({ bytes_fetched: 1000, requests: 1, cache_hits: 1, retries: 0 });
  });

  test('may be empty', async () => {
    const { image } = await serve(new Uint8Array());
    expect(image.sizeBytes).toBe(0);
  });

  test('is taken whole where the server knows no ranges and it is small', async () => {
    const { server, image } = await serve(IMAGE, {}, (_, _response, asked) => send(asked, { status: 200 }));
    expect(digest(await image.read(0, IMAGE.length))).toBe(digest(IMAGE));
    expect(server.requests).toHaveLength(1);
  });

  test('tells its version and date', async () => {
    const date = 'Thu, 26 Nov 2026 10:00:00 GMT';
    const { image } = await serve(SMALL, {}, (_, _response, asked) =>
      send(asked, { headers: { 'last-modified': date } }),
    );
    expect(image).toMatchObject({ stamp: '"one"', modifiedAtMs: Date.parse(date) });
  });
});

describe('fetching', () => {
  test('asks for neighbours that are missing with one request', async () => {
    const { image } = await serve(IMAGE);
    const { requests } = image.usage;
    await image.read(5 * BLOCK_BYTES, 7 * BLOCK_BYTES);
    expect(image.usage.requests).toBe(requests + 1);
  });

  test('reads ahead ever further while reads go on, and little when they jump', async () => {
    const { server, image } = await serve(IMAGE);
    for (let block = 1; block < 50; block++) await image.read(block * BLOCK_BYTES, 100);
    expect(server.requests.length).toBeLessThan(9);
    const scattered = await serve(IMAGE);
    for (let block = 48; block > 1; block -= 5) await scattered.image.read(block * BLOCK_BYTES, 100);
    expect(scattered.image.usage).toMatchObject({ requests: 11, bytes_fetched: 11 * BLOCK_BYTES });
  });

  test('follows two places that are read in turn', async () => {
    const { server, image } = await serve(IMAGE);
    for (let step = 0; step < 20; step++) {
      await image.read((2 + step) * BLOCK_BYTES, 100);
      await image.read((26 + step) * BLOCK_BYTES, 100);
    }
    expect(server.requests.length).toBeLessThan(13);
  });

  test('of what is kept needs no request', async () => {
    const { image } = await serve(IMAGE);
    await image.read(3 * BLOCK_BYTES, 100);
    const before = image.usage;
    await image.read(3 * BLOCK_BYTES + 50, 1000);
    expect(image.usage).toEqual({ ...before, cache_hits: before.cache_hits + 1 });
  });

  test('asks for the content as it is, under the condition that it is the same', async () => {
    const { server, image } = await serve(IMAGE);
    await image.read(9 * BLOCK_BYTES, 100);
    expect(server.requests.map(({ headers }) => headers['accept-encoding'])).toEqual(['identity', 'identity']);
    expect(server.requests.map(({ headers }) => headers['if-match'])).toEqual([undefined, '"one"']);
  });
});

describe('the budget', () => {
  test('of bytes ends the reading before it is exceeded', async () => {
    const { server, image } = await serve(IMAGE, { maxBytes: 4 * BLOCK_BYTES + 17 });
    const read = async () => {
      for (let block = 1; block < 50; block++) await image.read(block * BLOCK_BYTES, 100);
    };
    await expect(read()).rejects.toMatchObject({ kind: 'over-budget' });
    expect(server.bytesSent).toBeLessThanOrEqual(4 * BLOCK_BYTES + 17);
  });

  test('of requests counts redirects and repetitions too', async () => {
    const faults: Fault = ({ url }, response) => url === '/image' && redirect(response, '/elsewhere');
    await expect(serve(IMAGE, { maxRequests: 1 }, faults)).rejects.toMatchObject({ kind: 'over-budget' });
  });
});

describe('a server that fails', () => {
  test.each<[string, Fault]>([
    ['answers 503', (_, response, { nth }) => nth < 2 && status(response, 503)],
    ['answers 429', (_, response, { nth }) => nth < 1 && status(response, 429, { 'retry-after': '0' })],
    ['breaks the connection', (request, _, { nth }) => nth < 2 && breakOff(request.socket)],
    ['breaks off within the body', (_, _response, asked) => asked.nth < 2 && send(asked, { cutAfter: 500 })],
  ])('and %s for a while is asked again', async (_, fault) => {
    const { image } = await serve(SMALL, {}, fault);
    expect(await image.read(0, 1000)).toEqual(SMALL);
    expect(image.usage.retries).toBeGreaterThan(0);
  });

  test.each<[string, Fault]>([
    ['answers 500', (_, response) => status(response, 500)],
    ['breaks the connection', (request) => breakOff(request.socket)],
    ['never sends the whole body', (_, _response, asked) => send(asked, { cutAfter: 500 })],
  ])('and always %s is unreachable, after a few requests', async (_, fault) => {
    const server = await start(SMALL, fault);
    await expect(open(server)).rejects.toMatchObject({ kind: 'unreachable' });
    expect(server.requests).toHaveLength(4);
  });

  test('to answer in time is unreachable', async () => {
    const silent = await start(SMALL, () => true);
    await expect(open(silent, { timeoutMs: 50 })).rejects.toThrow(/the server does not answer in time$/);
    const halting = await start(SMALL, (_, response, { sizeBytes }) => {
      const headers = { 'content-range': `bytes 0-999/${sizeBytes}`, 'content-length': '1000' };
      return response.writeHead(206, headers).write('x');
    });
    await expect(open(halting, { timeoutMs: 50 })).rejects.toMatchObject({ kind: 'unreachable' });
  });

  test('is waited for no longer than whoever asks wants', async () => {
    const asked = new AbortController();
    const server = await start(SMALL, () => {
      asked.abort(new Error('enough'));
      return true;
    });
    await expect(open(server, {}, { signal: asked.signal })).rejects.toThrow('enough');
    expect(server.requests).toHaveLength(1);
  });

  test('is unreachable where nothing listens', async () => {
    const server = await startImageServer(SMALL);
    const { url } = server;
    await server[Symbol.asyncDispose]();
    const opening = openRemoteImage(url, settings(), { signal: never(), pauseMs: 1 });
    await expect(opening).rejects.toMatchObject({
      kind: 'unreachable',
      message: expect.stringMatching(/ECONNREFUSED/),
    });
  });
});

describe('an answer', () => {
  test.each<[string, Fault, string]>([
    ['of 401', (_, response) => status(response, 401), 'forbidden'],
    ['of 403', (_, response) => status(response, 403), 'forbidden'],
    ['of 404', (_, response) => status(response, 404), 'not-found'],
    ['of 410', (_, response) => status(response, 410), 'not-found'],
    ['of 204', (_, response) => status(response, 204), 'malformed'],
    ['without a range', (_, _r, asked) => send(asked, { headers: { 'content-range': undefined } }), 'malformed'],
    ['without a size', (_, _r, asked) => send(asked, { headers: { 'content-range': 'bytes 0-99/*' } }), 'malformed'],
    [
      'of another range',
      (_, _r, asked) => send(asked, { headers: { 'content-range': 'bytes 1-1000/5000' } }),
      'malformed',
    ],
    [
      'of a shorter range',
      (_, _r, asked) => send(asked, { headers: { 'content-range': 'bytes 0-9/1000' } }),
      'malformed',
    ],
    [
      'of an absurd size',
      (_, _r, asked) => send(asked, { headers: { 'content-range': `bytes 0-999/${'9'.repeat(20)}` } }),
      'malformed',
    ],
    ['with too many bytes', (_, response, { sizeBytes }) => tooMuch(response, sizeBytes), 'malformed'],
    ['that is compressed', (_, _r, asked) => send(asked, { headers: { 'content-encoding': 'gzip' } }), 'unsupported'],
  ])('%s is told apart', async (_, fault, kind) => {
    const server = await start(SMALL, fault);
    await expect(open(server)).rejects.toMatchObject({ name: 'RemoteError', kind });
    expect(server.requests).toHaveLength(1);
  });

  test('without ranges is refused for a large image, whose body is not read', async () => {
    const server = await start(IMAGE, (_, response) => {
      response.writeHead(200, { 'content-length': String(2 ** 40) });
      return response.write('x');
    });
    await expect(open(server)).rejects.toMatchObject({ kind: 'unsupported' });
  });
});

describe('a change of the image', () => {
  test.each<[string, (server: ImageServer) => void]>([
    ['of its ETag', (server) => Object.assign(server, { etag: '"two"' })],
    ['of its size', (server) => Object.assign(server, { content: IMAGE.subarray(0, 40 * BLOCK_BYTES) })],
    ['to nearly nothing', (server) => Object.assign(server, { content: SMALL })],
  ])('%s is noticed with the next request', async (_, change) => {
    const { server, image } = await serve(IMAGE);
    change(server);
    await expect(image.read(20 * BLOCK_BYTES, 100)).rejects.toMatchObject({ kind: 'changed' });
  });

  test('is noticed where the server ignores conditions', async () => {
    const fault: Fault = (_, _response, asked) => send(asked, { headers: { etag: `"${asked.nth}"` } });
    const { image } = await serve(IMAGE, {}, fault);
    await expect(image.read(20 * BLOCK_BYTES, 100)).rejects.toMatchObject({ kind: 'changed' });
  });

  test('is noticed by its date where there is no ETag', async () => {
    const fault: Fault = (_, _response, asked) => {
      const headers = { etag: undefined, 'last-modified': new Date(asked.nth * 1000).toUTCString() };
      return send(asked, { headers });
    };
    const { image } = await serve(IMAGE, {}, fault);
    await expect(image.read(20 * BLOCK_BYTES, 100)).rejects.toMatchObject({ kind: 'changed' });
  });
});

describe('a redirect', () => {
  test('is followed, and not asked for again', async () => {
    const { server, image } = await serve(
      IMAGE,
      {},
      ({ url }, response) => url === '/image' && redirect(response, '/b'),
    );
    await image.read(20 * BLOCK_BYTES, 100);
    expect(server.requests.map(({ url }) => url)).toEqual(['/image', '/b', '/b']);
  });

  test('is asked for again when its target has expired', async () => {
    const { server, image } = await serve(IMAGE, {}, ({ url }, response, { nth }) => {
      if (url === '/image') return redirect(response, `/target-${nth}`);
      return nth > 1 && url === '/target-0' && status(response, 403);
    });
    await image.read(20 * BLOCK_BYTES, 100);
    expect(server.requests.map(({ url }) => url)).toEqual(['/image', '/target-0', '/target-0', '/image', '/target-3']);
  });

  test('is followed a few times only', async () => {
    const server = await start(IMAGE, (_, response, { nth }) => redirect(response, `/${nth}`));
    await expect(open(server)).rejects.toMatchObject({ kind: 'malformed' });
    expect(server.requests).toHaveLength(6);
  });

  test.each([
    ['to where nothing may be read', 'http://169.254.169.254/latest/meta-data'],
    ['to another port', 'http://127.0.0.1:1/image'],
    ['to another scheme', 'ftp://127.0.0.1/image'],
    ['to a file', 'file:///etc/passwd'],
    ['with a password', 'http://user:secret@127.0.0.1/'],
    ['to nowhere', 'http://'],
  ])('%s is refused', async (_, location) => {
    const server = await start(IMAGE, (_request, response) => redirect(response, location));
    await expect(open(server)).rejects.toMatchObject({ kind: 'denied', message: expect.not.stringMatching(/secret/) });
    expect(server.requests).toHaveLength(1);
  });
});

describe('an address', () => {
  test.each([
    ['of a server that is not allowed', 'http://10.0.0.1/image'],
    ['of a bucket that is not allowed', 's3://other/key'],
    ['of a folder beside the one that is allowed', 's3://bucket/images-secret/key'],
    ['that climbs', 's3://bucket/images/../key'],
    ['without a key', 's3://bucket'],
    ['with an odd bucket', 's3://buck/et:80/key'],
    ['with a password', 'https://user:password@127.0.0.1/image'],
    ['that is no URL', 'https://'],
  ])('%s is refused without a request', async (_, address) => {
    const opening = openRemoteImage(address, { ...settings(), buckets: ['bucket/images'] }, { signal: never() });
    await expect(opening).rejects.toMatchObject({ kind: 'denied', message: expect.not.stringMatching(/password@/) });
  });

  test('is shown without its query, which may be a signature', async () => {
    const server = await start(SMALL, (_, response) => status(response, 404));
    const opening = openRemoteImage(`${server.url}?X-Signature=secret#part`, settings(server), { signal: never() });
    await expect(opening).rejects.toThrow(`Cannot read "${server.url}?…": the server has no such object (404)`);
    expect(server.requests[0]?.url).toBe('/image?X-Signature=secret');
  });
});

interface Served {
  readonly server: ImageServer;
  readonly image: RemoteImage;
}

async function serve(content: Content, changes: Partial<RemoteSettings> = {}, fault?: Fault): Promise<Served> {
  const server = await start(content, fault);
  return { server, image: await open(server, changes) };
}

async function start(content: Content, fault?: Fault): Promise<ImageServer> {
  const server = await startImageServer(content, fault);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

async function open(
  server: ImageServer,
  changes: Partial<RemoteSettings> = {},
  { signal = never() }: { readonly signal?: AbortSignal } = {},
): Promise<RemoteImage> {
  const image = await openRemoteImage(server.url, { ...settings(server), ...changes }, { signal, pauseMs: 1 });
  onTestFinished(() => image[Symbol.dispose]());
  return image;
}

/** Without a server: one that may be anywhere on loopback. */
function settings(server?: ImageServer): RemoteSettings {
  const host: HostRule = { ...parseHostRule('http://127.0.0.1'), port: server?.port ?? 'any' };
  return { ...REMOTE_DEFAULTS, hosts: [host], buckets: [], s3: { pathStyle: true } };
}

function never(): AbortSignal {
  return new AbortController().signal;
}

function send(asked: Asked, changes: Parameters<Asked['answer']>[0]): true {
  asked.answer(changes);
  return true;
}

function status(response: ServerResponse, code: number, headers: Readonly<Record<string, string>> = {}): true {
  response.writeHead(code, headers).end();
  return true;
}

function redirect(response: ServerResponse, location: string): true {
  return status(response, 302, { location });
}

function breakOff(socket: { destroy(): unknown }): true {
  socket.destroy();
  return true;
}

function tooMuch(response: ServerResponse, sizeBytes: number): true {
  response
    .writeHead(206, { 'content-range': `bytes 0-${sizeBytes - 1}/${sizeBytes}` })
    .end(Buffer.alloc(sizeBytes + 1));
  return true;
}

function patterned(sizeBytes: number): Uint8Array {
  const bytes = Buffer.alloc(sizeBytes);
  for (let at = 0; at + 4 <= sizeBytes; at += 4) bytes.writeUInt32LE(Math.imul(at, 2654435761) >>> 0, at);
  return bytes;
}

/** Starts, ends and the seams of blocks, and lengths from one byte to half of it. */
function placesIn({ length }: Uint8Array): readonly (readonly [number, number])[] {
  const starts = [
    0,
    1,
    BLOCK_BYTES - 1,
    BLOCK_BYTES,
    10 * BLOCK_BYTES + 77,
    30 * BLOCK_BYTES - 5,
    length - 4322,
    length - 1,
  ];
  const lengths = [1, 4096, BLOCK_BYTES, 3 * BLOCK_BYTES + 9, length / 2];
  return starts.flatMap((start) => lengths.map((size) => [start, Math.floor(Math.min(size, length - start))] as const));
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
