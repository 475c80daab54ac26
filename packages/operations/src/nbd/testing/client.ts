import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { countedText, join, u16, u32, u64 } from '../encode.ts';
import { ALLOCATION_CONTEXT, OPTION, OPTION_MAGIC, OPTION_REPLY, REQUEST_MAGIC } from '../layout.ts';
import { ConnectionOver, Wire } from '../wire.ts';

const GREETING_BYTES = 18;
const OPTION_REPLY_BYTES = 20;
const CHUNK_BYTES = 20;
const SIMPLE_REPLY_BYTES = 16;
const SIZE_AND_FLAGS_BYTES = 10;

export interface Asked {
  readonly type: number;
  readonly flags?: number;
  readonly offset?: number | bigint;
  readonly length?: number;
}

export interface Chunk {
  readonly done: boolean;
  readonly type: number;
  readonly payload: Buffer;
}

/** A client that says whatever a test wants it to say. */
export class TestClient {
  readonly #socket: Socket;
  readonly #wire: Wire;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#wire = new Wire(socket);
  }

  /** Connected and greeted. */
  static async greeted(socketPath: string, clientFlags = 3): Promise<TestClient> {
    const socket = createConnection(socketPath);
    await once(socket, 'connect');
    const client = new TestClient(socket);
    await client.read(GREETING_BYTES);
    client.send(u32(clientFlags));
    return client;
  }

  /** Past the handshake; with structured replies, the map is agreed on too. */
  static async ready(socketPath: string, { structured = true } = {}): Promise<TestClient> {
    const client = await TestClient.greeted(socketPath);
    if (structured) {
      await client.ask(OPTION.structuredReply);
      await client.ask(OPTION.setMetaContext, contexts(ALLOCATION_CONTEXT.name));
    }
    client.sendOption(OPTION.exportName);
    await client.read(SIZE_AND_FLAGS_BYTES);
    return client;
  }

  send(...parts: readonly Uint8Array[]): void {
    this.#socket.write(join(...parts));
  }

  sendOption(option: number, data: Uint8Array = Buffer.alloc(0)): void {
    this.send(u64(OPTION_MAGIC), u32(option), u32(data.length), data);
  }

  /** Sends an option. @returns the type of the reply that ends the answer */
  async ask(option: number, data?: Uint8Array): Promise<number> {
    this.sendOption(option, data);
    for (;;) {
      const head = await this.read(OPTION_REPLY_BYTES);
      await this.read(head.readUInt32BE(16));
      const type = head.readUInt32BE(12);
      if (type === OPTION_REPLY.ack || type >= 0x80000000) return type;
    }
  }

  sendRequest({ type, flags = 0, offset = 0, length = 0 }: Asked): void {
    this.send(u32(REQUEST_MAGIC), u16(flags), u16(type), u64(7), u64(offset), u32(length));
  }

  /** The error of a simple reply; its data, if any, is left to be read. */
  async simpleReply(): Promise<number> {
    return (await this.read(SIMPLE_REPLY_BYTES)).readUInt32BE(4);
  }

  /** The chunks of a structured reply. */
  async chunks(): Promise<readonly Chunk[]> {
    const chunks: Chunk[] = [];
    while (chunks.at(-1)?.done !== true) {
      const head = await this.read(CHUNK_BYTES);
      const payload = await this.read(head.readUInt32BE(16));
      chunks.push({ done: head.readUInt16BE(4) === 1, type: head.readUInt16BE(6), payload });
    }
    return chunks;
  }

  /** The error that a structured reply ends in, 0 where it is none. */
  async errorOf(asked: Asked): Promise<number> {
    this.sendRequest(asked);
    const last = (await this.chunks()).at(-1);
    return last !== undefined && last.type >= 0x8000 ? last.payload.readUInt32BE() : 0;
  }

  /** @throws ConnectionOver when the connection ends before */
  read(length: number): Promise<Buffer> {
    return this.#wire.read(length);
  }

  /** Resolves when the server has hung up. */
  async over(): Promise<void> {
    try {
      for (;;) await this.read(1);
    } catch (error) {
      if (!(error instanceof ConnectionOver)) throw error;
    }
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** What options about metadata contexts carry: the export and the queries. */
export function contexts(...queries: readonly string[]): Buffer {
  return join(countedText(''), u32(queries.length), ...queries.map(countedText));
}
