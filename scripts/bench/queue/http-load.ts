import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Target {
  readonly url: string;
  readonly path: string;
  readonly key?: string;
}

/** Connections that stay open, each with one request under way; as little work as possible, to leave the machine to the server. */
export interface HttpLoad extends Disposable {
  /** Posts so many bodies and resolves when all are answered. @throws Error when an answer is no success */
  post(count: number, bodyOf: (n: number) => string): Promise<void>;
}

export async function openHttpLoad(target: Target, width: number): Promise<HttpLoad> {
  const lanes = await Promise.all(Array.from({ length: width }, () => openLane(target)));
  return {
    async post(count, bodyOf) {
      let next = 0;
      const run = async (lane: Lane) => {
        while (next < count) {
          const n = next;
          next += 1;
          await lane.post(bodyOf(n));
        }
      };
      await Promise.all(lanes.map(run));
    },
    [Symbol.dispose]: () => {
      for (const { socket } of lanes) socket.destroy();
    },
  };
}

interface Lane {
  readonly socket: Socket;
  post(body: string): Promise<void>;
}

async function openLane({ url, path, key }: Target): Promise<Lane> {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname).setNoDelay(true).setEncoding('latin1');
  await once(socket, 'connect');
  const authorization = key === undefined ? '' : `authorization: Bearer ${key}\r\n`;
  const head = `POST ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n${authorization}`;
  let received = '';
  let answered: PromiseWithResolvers<void> = Promise.withResolvers();
  socket.on('data', (text: string) => {
    received += text;
    const answer = wholeAnswer(received);
    if (answer === undefined) return;
    received = '';
    if (answer.startsWith('HTTP/1.1 2')) answered.resolve();
    else answered.reject(new Error(`Cannot measure: ${answer}`));
  });
  socket.on('close', () => answered.reject(new Error('Cannot measure: the server has closed the connection')));
  return {
    socket,
    post(body) {
      answered = Promise.withResolvers();
      if (socket.destroyed) answered.reject(new Error('Cannot measure: the connection is closed'));
      socket.write(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
      return answered.promise;
    },
  };
}

function wholeAnswer(text: string): string | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0);
  return text.length >= end + 4 + length ? text : undefined;
}
