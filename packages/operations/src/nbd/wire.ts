import type { Socket } from 'node:net';

/** The client went away, or broke the protocol: what ends its connection and nothing else. */
export class ConnectionOver extends Error {
  override readonly name = 'ConnectionOver';
}

const SKIP_BYTES = 64 * 1024;

/** The bytes from and to one client: read exactly as asked, written no faster than it takes them. */
export class Wire {
  readonly #socket: Socket;
  #wake = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    // for good: to listen anew while a part of what is read for is there would end at once, again and again
    for (const event of ['readable', 'end', 'drain', 'close']) socket.on(event, () => this.#wake());
    // an error is always followed by "close"
    socket.on('error', () => undefined);
  }

  /** @throws ConnectionOver when the client leaves before that many bytes came */
  async read(length: number): Promise<Buffer> {
    if (length === 0) return Buffer.alloc(0);
    for (;;) {
      const bytes: Buffer | null = this.#socket.read(length);
      if (bytes?.length === length) return bytes;
      // fewer bytes than asked for are the last ones
      if (bytes !== null || this.#socket.readableEnded || this.#socket.destroyed) throw clientLeft();
      await this.#change();
    }
  }

  /** Reads bytes for nobody. */
  async skip(length: number): Promise<void> {
    for (let left = length; left > 0; left -= SKIP_BYTES) await this.read(Math.min(left, SKIP_BYTES));
  }

  /** Resolves when there is room for more. @throws ConnectionOver when the client is gone */
  async write(...parts: readonly Uint8Array[]): Promise<void> {
    if (this.#socket.destroyed) throw clientLeft();
    this.#socket.cork();
    for (const part of parts) this.#socket.write(part);
    this.#socket.uncork();
    while (this.#socket.writableNeedDrain && !this.#socket.destroyed) await this.#change();
    if (this.#socket.destroyed) throw clientLeft();
  }

  /** Until something happens to the socket. There is one who waits: a client is either read from or written to. */
  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

function clientLeft(): ConnectionOver {
  return new ConnectionOver('the client is gone');
}
