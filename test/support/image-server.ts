import { once } from 'node:events';
import { createReadStream, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Readable } from 'node:stream';

/** What a test server serves: a file, or bytes. */
export type Content = string | Uint8Array;

/** Decides what becomes of a request in place of the right answer. Returns whether it did. */
export type Fault = (request: IncomingMessage, response: ServerResponse, asked: Asked) => boolean;

export interface Asked {
  /** How many requests came before. */
  readonly nth: number;
  readonly start: number;
  readonly last: number;
  readonly sizeBytes: number;
  /** Sends the right answer, with other headers or another status. */
  answer(changes?: AnswerChanges): void;
}

export interface AnswerChanges {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** How much of the body comes before the connection breaks. */
  readonly cutAfter?: number;
}

/** A web server on loopback that serves one image with ranges, and counts. */
export interface ImageServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly requests: readonly IncomingMessage[];
  readonly bytesSent: number;
  content: Content;
  etag: string | undefined;
  fault: Fault | undefined;
}

export async function startImageServer(content: Content, fault?: Fault): Promise<ImageServer> {
  const server = new TestServer(content, fault);
  await server.listen();
  return server;
}

class TestServer implements ImageServer {
  readonly requests: IncomingMessage[] = [];
  bytesSent = 0;
  content: Content;
  etag: string | undefined = '"one"';
  fault: Fault | undefined;
  readonly #server: Server = createServer((request, response) => this.#serve(request, response));
  readonly #sockets = new Set<Socket>();

  constructor(content: Content, fault: Fault | undefined) {
    this.content = content;
    this.fault = fault;
    this.#server.on('connection', (socket) => this.#sockets.add(socket));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/image`;
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const nth = this.requests.push(request) - 1;
    const sizeBytes = typeof this.content === 'string' ? statSync(this.content).size : this.content.length;
    const [, from = '', to = ''] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const [start, last] = [Number(from), Math.min(Number(to), sizeBytes - 1)];
    const answer = (changes?: AnswerChanges) => this.#answer(response, { start, last, sizeBytes, changes });
    if (this.fault?.(request, response, { nth, start, last, sizeBytes, answer })) return;
    const wanted = request.headers['if-match'];
    if (wanted !== undefined && wanted !== this.etag) response.writeHead(412).end();
    else if (start >= sizeBytes) response.writeHead(416, { 'content-range': `bytes */${sizeBytes}` }).end();
    else answer();
  }

  #answer(response: ServerResponse, { start, last, sizeBytes, changes = {} }: Served): void {
    const { status = 206, headers = {}, cutAfter } = changes;
    const isRange = status === 206;
    const [first, end] = isRange ? [start, last] : [0, sizeBytes - 1];
    const all = {
      'content-length': String(end - first + 1),
      etag: this.etag,
      ...(isRange && { 'content-range': `bytes ${first}-${end}/${sizeBytes}` }),
      ...headers,
    };
    response.writeHead(status, Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));
    const body = this.#open(first, cutAfter === undefined ? end : first + cutAfter - 1);
    body.on('data', (chunk: Buffer) => {
      this.bytesSent += chunk.length;
    });
    body.on('end', () => cutAfter !== undefined && response.destroy());
    body.pipe(response, { end: cutAfter === undefined });
  }

  #open(start: number, end: number): Readable {
    if (typeof this.content === 'string') return createReadStream(this.content, { start, end });
    return Readable.from([Buffer.from(this.content.subarray(start, end + 1))]);
  }
}

interface Served {
  readonly start: number;
  readonly last: number;
  readonly sizeBytes: number;
  readonly changes: AnswerChanges | undefined;
}
