import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ApiClient } from './api-client.ts';

interface Seen extends Pick<IncomingMessage, 'method' | 'url' | 'headers'> {
  readonly body: string;
}

let server: Server;
let seen: Seen[];
let answer: { readonly status: number; readonly body: string };

beforeEach(async () => {
  seen = [];
  answer = { status: 200, body: '{"success":true,"data":{"answer":42}}' };
  server = createServer(async (request, response) => {
    const { method, url, headers } = request;
    seen.push({ method, url, headers, body: await text(request) });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(() => server.close());

describe('ApiClient', () => {
  test('unwraps the answer', async () => {
    expect(await client().get('ask', '/x')).toEqual({ answer: 42 });
  });

  test('shows the key, repeats lists in the query and leaves out what is not given', async () => {
    await client('secret').get('ask', '/x', { status: ['failed', 'timeout'], limit: 5, label: undefined });
    expect(seen).toMatchObject([
      { url: '/x?status=failed&status=timeout&limit=5', headers: { authorization: 'Bearer secret' } },
    ]);
  });

  test('posts a body as it is given', async () => {
    await client().post('submit', '/x', '{"a":1.0}');
    expect(seen).toMatchObject([
      { method: 'POST', body: '{"a":1.0}', headers: { 'content-type': 'application/json' } },
    ]);
  });

  test.each([
    [400, 'refused'],
    [401, 'refused'],
    [404, 'not-found'],
    [409, 'refused'],
    [500, 'unexpected'],
    [503, 'unreachable'],
  ])('turns status %d into the ending "%s", with the reason of the API', async (status, ending) => {
    answer = { status, body: '{"error":"CODE","message":"because"}' };
    await expect(client().get('ask', '/x')).rejects.toMatchObject({
      ending,
      message: 'Cannot ask: because',
      details: { status, error: 'CODE' },
    });
  });

  test('names the status when the answer gives no reason', async () => {
    answer = { status: 418, body: '<html>' };
    await expect(client().get('ask', '/x')).rejects.toMatchObject({
      ending: 'refused',
      message: 'Cannot ask: HTTP status 418',
    });
  });

  test('says where nobody answers', async () => {
    const gone = client();
    server.close();
    await once(server, 'close');
    await expect(gone.get('ask', '/x')).rejects.toMatchObject({
      ending: 'unreachable',
      message: expect.stringMatching(/^Cannot ask: no answer from http:\/\/127\.0\.0\.1:\d+ \(ECONNREFUSED\)/),
    });
  });
});

function client(apiKey?: string): ApiClient {
  const { port } = server.address() as AddressInfo;
  return new ApiClient({ url: `http://127.0.0.1:${port}`, ...(apiKey && { apiKey }) });
}
