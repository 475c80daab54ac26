import type { IncomingMessage } from 'node:http';
import { Problem } from '../problem.ts';

const JSON_MEDIA = /^application\/(?:[\w.!#$&^-]+\+)?json$/i;
// a client that is told of the limit only after it has written all is told at all: most read no answer before
const DISCARDED_BYTES_MAX = 16 * 1024 * 1024;

/** Reads a JSON body as text, not parsed: the strict reader of job documents wants to see it as it came. */
export async function readJsonText(request: IncomingMessage, limitBytes: number): Promise<string> {
  requireJson(request);
  return decode(await readBytes(request, limitBytes));
}

function requireJson(request: IncomingMessage): void {
  const [media = '', ...parameters] = (request.headers['content-type'] ?? '').split(';').map((part) => part.trim());
  const charset = parameters.find((parameter) => /^charset=/i.test(parameter));
  const encoding = request.headers['content-encoding'] ?? 'identity';
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/i.test(charset);
  if (JSON_MEDIA.test(media) && isUtf8 && encoding.toLowerCase() === 'identity') return;
  const given = [media || 'no content type', charset, encoding === 'identity' ? undefined : encoding];
  const state = given.filter((part) => part !== undefined).join(', ');
  throw new Problem(
    'unsupported-media-type',
    `Cannot read the body: it is declared as "${state}", expected uncompressed application/json in UTF-8`,
  );
}

async function readBytes(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > DISCARDED_BYTES_MAX) throw tooLarge(limitBytes, { connection: 'close' });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size <= limitBytes) chunks.push(chunk);
    else if (size > DISCARDED_BYTES_MAX) throw tooLarge(limitBytes, { connection: 'close' });
  }
  if (size > limitBytes) throw tooLarge(limitBytes);
  return chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks);
}

function tooLarge(limitBytes: number, headers: Readonly<Record<string, string>> = {}): Problem {
  const details = { limit_bytes: limitBytes };
  return new Problem('too-large', `Cannot read the body: it is larger than ${limitBytes} bytes`, { details, headers });
}

// keeps a byte order mark, for the JSON reader to refuse
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new Problem('bad-request', 'Cannot read the body: it is not valid UTF-8', { cause });
  }
}
