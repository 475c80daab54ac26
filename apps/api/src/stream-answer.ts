import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/**
 * Answers with content of known length as it comes. When that breaks off the connection does too, so that the client sees an
 * answer that is too short, and never takes it for whole.
 */
export async function sendStream(
  response: ServerResponse,
  headers: Readonly<Record<string, string | number>> & { readonly 'content-length': number },
  content: AsyncIterable<Uint8Array>,
): Promise<void> {
  response.writeHead(200, headers);
  await pipeline(Readable.from(content, { objectMode: false }), response);
}
