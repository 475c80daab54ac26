import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { eventually } from './testing/eventually.ts';
import { startTestNode } from './testing/node.ts';
import { setStage } from './testing/stage.ts';

const { place } = await setStage();
const BODY = '{"operation":"system.echo","payload":{"data":1}}';

/** Sends the beginning of a POST, so that the node has a request under way. */
async function beginPost(url: string, body: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const head = ['POST /api/v1/jobs HTTP/1.1', `Host: ${hostname}`, 'Content-Type: application/json'];
  socket.write([...head, `Content-Length: ${BODY.length}`, 'Expect: 100-continue', '', body].join('\r\n'));
  // the node has read the head when it says this
  const [first] = await once(socket, 'data');
  expect(String(first)).toContain('100 Continue');
  return socket;
}

async function refusesConnections(url: string): Promise<boolean> {
  return fetch(`${url}/health/live`).then(
    () => false,
    () => true,
  );
}

describe('a node that stops', () => {
  test('answers the request that is under way, and takes no more', async () => {
    const { node } = await startTestNode(place);
    const socket = await beginPost(node.url, '');
    const stopped = node.stop();
    await eventually(() => refusesConnections(node.url));
    socket.write(BODY);
    const answer = Buffer.concat(await Array.fromAsync(socket)).toString();
    expect(answer).toMatch(/^HTTP\/1\.1 202 /);
    await stopped;
  });

  test('cuts a request that does not end within the grace', async () => {
    const { node } = await startTestNode(place, { argv: ['--shutdown-grace-ms=200'] });
    const socket = await beginPost(node.url, BODY.slice(0, 10));
    socket.on('error', () => {});
    await node.stop();
    await eventually(async () => socket.destroyed || socket.readableEnded);
  });

  test('does not wait for idle connections', async () => {
    const { node, client } = await startTestNode(place);
    await client.get('/health');
    const begun = performance.now();
    await node.stop();
    expect(performance.now() - begun).toBeLessThan(1500);
  });
});
