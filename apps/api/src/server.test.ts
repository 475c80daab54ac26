import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { startTestNode } from './testing/node.ts';
import { setStage } from './testing/stage.ts';

const { place, client } = await setStage();
const KEY = 'a key that nobody guesses';

/** Sends a request whose headers are ours alone: fetch would not let us choose `Host`. */
async function raw(url: string, headers: readonly string[], start = 'GET /api/v1/health HTTP/1.1'): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.end([start, ...headers, 'Connection: close', '', ''].join('\r\n'));
  const chunks = await Array.fromAsync(socket);
  return Buffer.concat(chunks).toString();
}

describe('every answer', () => {
  test('carries a request id', async () => {
    const { headers } = await client.get('/health');
    expect(headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
  });

  test('carries the id that the client gave', async () => {
    const { headers } = await client.get('/health', { headers: { 'x-request-id': 'req-42' } });
    expect(headers.get('x-request-id')).toBe('req-42');
  });

  test.each(['a b', 'x'.repeat(129), '"quoted"', '<b>'])('carries an id of its own in place of %j', async (id) => {
    const { headers } = await client.get('/health', { headers: { 'x-request-id': id } });
    expect(headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
  });

  test('tells browsers to run nothing and guess nothing', async () => {
    const { headers } = await client.get('/health');
    expect(headers.get('content-security-policy')).toBe("default-src 'none';frame-ancestors 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.has('x-powered-by')).toBe(false);
    expect(headers.has('etag')).toBe(false);
  });

  test('to an unknown address is 404 with the error body', async () => {
    const { status, body } = await client.get('/api/v1/nothing');
    expect(status).toBe(404);
    expect(body).toMatchObject({ error: 'NOT_FOUND' });
  });

  test.each([
    ['DELETE', '/api/v1/jobs', 'GET, HEAD, POST'],
    ['PUT', '/api/v1/jobs/job-12345678', 'GET, HEAD'],
    ['GET', '/api/v1/jobs/job-12345678/cancel', 'POST'],
    ['POST', '/health/live', 'GET, HEAD'],
  ])('to %s %s is 405 and lists the methods there are', async (method, path, allow) => {
    const { status, headers, body } = await client.call(method, path);
    expect(status).toBe(405);
    expect(body.error).toBe('METHOD_NOT_ALLOWED');
    expect(headers.get('allow')?.split(', ').sort()).toEqual(allow.split(', ').sort());
  });

  test('to HEAD has no body', async () => {
    const response = await client.fetch('/api/v1/jobs', { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
  });
});

describe('with a key', () => {
  const withKey = { argv: [`--api-key=${KEY}`] };

  test('only liveness answers without it', async () => {
    await using node = await startTestNode(place, withKey);
    const paths = [
      '/health',
      '/api/v1/health',
      '/health/ready',
      '/metrics',
      '/api/v1/jobs',
      '/api/v1/workers',
      '/board',
      '/nothing',
    ];
    for (const path of [
      ...paths,
      '/api/v1/openapi.json',
      '/HEALTH/LIVE/x',
      '/board/api/queues',
      '/board/static/x.js',
    ]) {
      const response = await node.client.fetch(path);
      expect([path, response.status]).toEqual([path, 401]);
      expect(await response.json()).toMatchObject({ error: 'UNAUTHORIZED' });
    }
    expect((await node.client.fetch('/health/live')).status).toBe(200);
    const posted = await node.client.fetch('/api/v1/jobs', { method: 'POST', body: '{}' });
    expect(posted.status).toBe(401);
  });

  test.each([
    { authorization: `Bearer ${KEY}` },
    { 'x-api-key': KEY },
    { authorization: `Basic ${btoa(`anyone:${KEY}`)}` },
  ])('whoever shows it is let in: %j', async (headers) => {
    await using node = await startTestNode(place, { ...withKey, headers });
    expect((await node.client.get('/api/v1/jobs')).status).toBe(200);
    expect((await node.client.fetch('/board')).status).toBe(200);
  });

  test.each([
    { authorization: 'Bearer wrong' },
    { authorization: 'Bearer ' },
    { 'x-api-key': '' },
    { authorization: `Basic ${btoa(KEY)}` },
    { authorization: `Basic ${btoa('anyone:')}` },
    { authorization: 'Digest x' },
  ])('whoever shows another is not: %j', async (headers) => {
    await using node = await startTestNode(place, { ...withKey, headers });
    const response = await node.client.fetch('/api/v1/jobs');
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="guestkit", charset="UTF-8"');
    await response.body?.cancel();
  });

  test('a browser is asked for it at the board', async () => {
    await using node = await startTestNode(place, withKey);
    const response = await node.client.fetch('/board');
    expect(response.headers.get('www-authenticate')).toBe('Basic realm="guestkit", charset="UTF-8"');
    await response.body?.cancel();
  });

  test('any host name is good', async () => {
    await using node = await startTestNode(place, withKey);
    const answer = await raw(node.node.url, ['Host: guestkit.example.org', `X-API-Key: ${KEY}`]);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('without a key', () => {
  test.each(['localhost', 'LOCALHOST:8080', '127.0.0.1:1', '[::1]:8080'])('host %s is local', async (host) => {
    expect(await raw(client.url, [`Host: ${host}`])).toMatch(/^HTTP\/1\.1 200 /);
  });

  test.each(['evil.example.org', 'localhost.evil.example.org', '10.0.0.1', '127.0.0.1.evil.example.org:8080', ''])(
    'host %j is refused, as a page that renamed itself would send it',
    async (host) => {
      const answer = await raw(client.url, [`Host: ${host}`]);
      expect(answer).toMatch(/^HTTP\/1\.1 403 /);
      expect(answer).toContain('"error":"FORBIDDEN"');
    },
  );

  test('liveness answers to any host', async () => {
    const answer = await raw(client.url, ['Host: 10.1.2.3:8080'], 'GET /health/live HTTP/1.1');
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('a page of another site', () => {
  test.each([
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'http://evil.example.org' },
    { origin: 'null' },
  ])('cannot post: %j', async (headers) => {
    const { status, body } = await client.post('/api/v1/jobs', { operation: 'a.b', payload: { data: 1 } }, { headers });
    expect(status).toBe(403);
    expect(body.error).toBe('FORBIDDEN');
  });

  test('can not touch the board either', async () => {
    const headers = { 'sec-fetch-site': 'cross-site' };
    expect((await client.fetch('/board/api/queues/pause', { method: 'PUT', headers })).status).toBe(403);
  });

  test('is not a page of our own', async () => {
    const headers = { 'sec-fetch-site': 'same-origin', origin: client.url };
    const { status } = await client.post('/api/v1/jobs', { operation: 'a.b', payload: { data: 1 } }, { headers });
    expect(status).toBe(202);
  });
});
