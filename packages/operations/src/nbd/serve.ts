import { createServer, type Server, type Socket } from 'node:net';
import type { ByteSource } from '@guestkit/disk';
import type { ExportedImage } from './exported-image.ts';
import { negotiate } from './handshake.ts';
import { LIMIT } from './layout.ts';
import { listenPrivately } from './private-socket.ts';
import { transmit } from './transmission.ts';
import { ConnectionOver, Wire } from './wire.ts';

const MAX_CONNECTIONS = 16;

export interface ServeImageOptions {
  /** A disk, a volume: whatever can be read and, where it can, says what of it is stored. */
  readonly image: ByteSource;
  /** Where the socket is made, in a folder that is there. */
  readonly socketPath: string;
  /** What clients call it; the empty name when left out, which is what they ask for when they ask for nothing. */
  readonly name?: string;
  readonly description?: string;
  /** More connections than these are hung up on. */
  readonly maxConnections?: number;
  /** Closes the server. */
  readonly signal?: AbortSignal;
  /** Told how many bytes of the image were read for a client; holes need no reading. */
  onRead?(bytes: number): void;
  /** Told why a client was answered with EIO. */
  onReadError?(error: unknown): void;
}

/** An image on offer. Close it, or use `await using`. */
export interface ImageServer extends AsyncDisposable {
  /** How clients name it: `nbd+unix:///?socket=…`. */
  readonly uri: string;
  /** Settles once nobody is served any more and the socket is gone. Rejects when a fault of ours was the reason. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

/**
 * Offers an image for reading to whoever can open a socket that only its owner can open, as NBD. Reading is synchronous, so that
 * clients are served by turns.
 * @throws SocketError when the socket cannot be made
 */
export async function serveImage(options: ServeImageOptions): Promise<ImageServer> {
  const { image: source, socketPath, name = '', description, onRead = ignore, onReadError = ignore } = options;
  options.signal?.throwIfAborted();
  const clients = new Clients({ source, name, description, onRead, onReadError });
  const server = createServer({ allowHalfOpen: true }, (socket) => clients.serve(socket));
  server.maxConnections = options.maxConnections ?? MAX_CONNECTIONS;
  const remove = await listenPrivately(server, socketPath);
  const closed = untilClosed(server, clients, remove);
  const stop = () => clients.stop();
  options.signal?.addEventListener('abort', stop);
  // here a rejection is for whoever closes it, or waits for its end
  closed.catch(ignore).finally(() => options.signal?.removeEventListener('abort', stop));
  const close = () => {
    clients.stop();
    return closed;
  };
  return { uri: uriOf(socketPath, name), closed, close, [Symbol.asyncDispose]: close };
}

async function untilClosed(server: Server, clients: Clients, remove: () => Promise<void>): Promise<void> {
  try {
    await clients.stopped;
  } finally {
    server.close();
    await clients.gone();
    await remove();
  }
}

/** Those who are connected. A fault of ours with one of them stops all. */
class Clients {
  readonly stopped: Promise<void>;
  readonly #image: ExportedImage;
  readonly #sockets = new Set<Socket>();
  readonly #talks = new Set<Promise<void>>();
  readonly #stopping = Promise.withResolvers<void>();

  constructor(image: ExportedImage) {
    this.#image = image;
    this.stopped = this.#stopping.promise;
  }

  serve(socket: Socket): void {
    this.#sockets.add(socket);
    const talk = talkTo(socket, this.#image)
      .catch((error: unknown) => this.#stopping.reject(error))
      .finally(() => {
        this.#sockets.delete(socket);
        this.#talks.delete(talk);
      });
    this.#talks.add(talk);
  }

  stop(): void {
    this.#stopping.resolve();
  }

  async gone(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#talks);
  }
}

async function talkTo(socket: Socket, image: ExportedImage): Promise<void> {
  const over = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.setTimeout(LIMIT.unresponsiveMs, () => socket.destroy());
  try {
    const wire = new Wire(socket);
    const agreement = await negotiate(wire, image);
    // from here on a client may take its time
    socket.setTimeout(0);
    if (agreement !== undefined) await transmit(wire, image, agreement);
  } catch (error) {
    if (!(error instanceof ConnectionOver)) throw error;
  } finally {
    socket.setTimeout(LIMIT.unresponsiveMs);
    // once it took what it was sent
    socket.destroySoon();
  }
  await over;
}

function uriOf(socketPath: string, name: string): string {
  return `nbd+unix:///${encodeURIComponent(name)}?socket=${socketPath.split('/').map(encodeURIComponent).join('/')}`;
}

function ignore(): void {}
