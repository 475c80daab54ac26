import type { IncomingMessage } from 'node:http';
import { Problem } from '../problem.ts';

const MEDIA = {
  json: { pattern: /^application\/(?:[\w.!#$&^-]+\+)?json$/i, name: 'application/json' },
  ndjson: { pattern: /^application\/(?:x-)?ndjson$/i, name: 'application/x-ndjson' },
} as const;
export type Media = keyof typeof MEDIA;

// a client that is told of the limit only after it has written all is told at all: most read no answer before
const DISCARDED_BYTES_MAX = 16 * 1024 * 1024;

/** Reads a JSON body as text, not parsed: the strict reader of job documents wants to see it as it came. */
export async function readJsonText(request: IncomingMessage, limitBytes: number): Promise<string> {
  requireMedia(request, ['json']);
  return decodeUtf8(await readBytes(request, limitBytes));
}

/** As what the body is declared. @throws Problem `unsupported-media-type` unless that is among what is expected */
export function requireMedia(request: IncomingMessage, expected: readonly Media[]): Media {
  const [declared = '', ...parameters] = (request.headers['content-type'] ?? '').split(';').map((part) => part.trim());
  const charset = parameters.find((parameter) => /^charset=/i.test(parameter));
  const encoding = request.headers['content-encoding'] ?? 'identity';
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/i.test(charset);
  const media = expected.find((one) => MEDIA[one].pattern.test(declared));
  if (media !== undefined && isUtf8 && encoding.toLowerCase() === 'identity') return media;
  const given = [declared || 'no content type', charset, encoding === 'identity' ? undefined : encoding];
  const state = given.filter((part) => part !== undefined).join(', ');
  const names = expected.map((one) => MEDIA[one].name).join(' or ');
  throw new Problem(
    'unsupported-media-type',
    `Cannot read the body: it is declared as "${state}", expected uncompressed ${names} in UTF-8`,
  );
}

/** Of bodies that come in a packet or two. */
const SMALL_BYTES = 64 * 1024;

/** @throws Problem `too-large` */
export async function readBytes(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > 0 && declared <= Math.min(SMALL_BYTES, limitBytes)) return readDeclared(request);
  const readMax = Math.max(limitBytes, DISCARDED_BYTES_MAX);
  if (declared > readMax) throw tooLarge(limitBytes, { connection: 'close' });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size <= limitBytes) chunks.push(chunk);
    else if (size > readMax) throw tooLarge(limitBytes, { connection: 'close' });
  }
  if (size > limitBytes) throw tooLarge(limitBytes);
  return chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks);
}

/** Lets a client whose body is not read to its end write on for a while, so that it comes to read the answer. */
export async function discardRest(request: IncomingMessage): Promise<void> {
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += chunk.length;
    if (size > DISCARDED_BYTES_MAX) return;
  }
}

/** No body is longer than it is declared: Node sees to that. Iterating over a stream costs more than all of a small body. */
function readDeclared(request: IncomingMessage): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.once('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
  request.once('error', reject);
  request.once('close', () => {
    // an error that nobody waits for costs as much as reading the body
    if (request.readableEnded) return;
    reject(new Error('Cannot read the body: the connection was closed before its end'));
  });
  return promise;
}

export function tooLarge(limitBytes: number, headers: Readonly<Record<string, string>> = {}, what = 'body'): Problem {
  const details = { limit_bytes: limitBytes };
  return new Problem('too-large', `Cannot read the ${what}: it is larger than ${limitBytes} bytes`, {
    details,
    headers,
  });
}

// keeps a byte order mark, for the JSON reader to refuse
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws Problem `bad-request` */
export function decodeUtf8(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new Problem('bad-request', 'Cannot read the body: it is not valid UTF-8', { cause });
  }
}
