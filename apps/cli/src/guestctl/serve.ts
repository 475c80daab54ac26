import { DiskError } from '@guestkit/disk';
import { SocketError } from '@guestkit/operations/nbd/private-socket';
import { type ServeImageOptions, serveImage } from '@guestkit/operations/nbd/serve';
import { printable } from '@guestkit/operations/report/printable';
import { CommandError } from '../exit-code.ts';
import { print } from '../output/print.ts';
import { withBytes } from './chosen-bytes.ts';
import type { ServeOptions } from './guestctl.ts';

/** Offers a disk over NBD until it is told to stop. */
export async function serve(image: string, options: ServeOptions): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  await withBytes(image, options, async (source) => {
    const { socket, device } = options;
    const description = device === undefined ? {} : { description: device };
    const told = { onReadError: tell, signal: stop.signal };
    await using server = await start({ image: source, socketPath: socket, ...description, ...told });
    const document = { uri: server.uri, socket, device: device ?? null, size: source.sizeBytes };
    await print(options.output, document, ({ uri }) => `${uri}\n`);
    await server.closed;
  });
}

async function start(options: ServeImageOptions) {
  try {
    return await serveImage(options);
  } catch (error) {
    throw error instanceof SocketError ? new CommandError('io', error.message, { cause: error }) : error;
  }
}

/** The client gets no more than a number. */
function tell(error: unknown): void {
  // anything else is a fault of ours, of which the place in the code tells more than the text
  const text = error instanceof DiskError ? error.message : String(error instanceof Error ? error.stack : error);
  process.stderr.write(`guestctl: ${printable(text)}\n`);
}
