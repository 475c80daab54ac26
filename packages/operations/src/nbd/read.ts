import { setImmediate } from 'node:timers/promises';
import { extentsOf } from '@guestkit/disk';
import { u32, u64 } from './encode.ts';
import type { ExportedImage } from './exported-image.ts';
import { CHUNK, COMMAND_FLAG } from './layout.ts';
import type { Reply, Request } from './reply.ts';

/** Read at once: enough to read well, little enough to let other clients have their turn. */
const PIECE_BYTES = 2 ** 20;
const ZEROS = new Uint8Array(PIECE_BYTES);

interface Range {
  readonly offset: number;
  readonly length: number;
}

type Piece = Range & { /** `undefined` when all of it is zero. */ readonly bytes: Uint8Array | undefined };

/** Answers a read whose range lies within the image. */
export function answerRead(request: Request, image: ExportedImage, reply: Reply): Promise<void> {
  if (request.length === 0) return reply.done();
  const inOnePiece = (request.flags & COMMAND_FLAG.dontFragment) !== 0;
  return reply.structured && !inOnePiece ? sendPieces(request, image, reply) : sendWhole(request, image, reply);
}

/** Sends what is stored as it is read, and of the rest only that it is zero. */
async function sendPieces(request: Request, image: ExportedImage, reply: Reply): Promise<void> {
  const end = request.offset + request.length;
  const pieces = piecesOf(image, request);
  for (let at = request.offset; at < end; ) {
    const piece = attempt(image, () => pieces.next().value);
    if (piece === undefined) return reply.failAt(at, 'EIO', 'the image cannot be read here');
    at += piece.length;
    await sendPiece(piece, reply, at === end);
    if (at < end) await setImmediate();
  }
}

function sendPiece({ offset, length, bytes }: Piece, reply: Reply, isLast: boolean): Promise<void> {
  return bytes === undefined
    ? reply.chunk(CHUNK.offsetHole, isLast, u64(offset), u32(length))
    : reply.chunk(CHUNK.offsetData, isLast, u64(offset), bytes);
}

/** Reads all of it before a byte is sent: afterwards there is no way to say that something is wrong. */
async function sendWhole(request: Request, image: ExportedImage, reply: Reply): Promise<void> {
  const parts = attempt(image, () => [...piecesOf(image, request)].flatMap(bytesOf));
  if (parts === undefined) return reply.fail('EIO', 'the image cannot be read here');
  await (reply.structured
    ? reply.chunk(CHUNK.offsetData, true, u64(request.offset), ...parts)
    : reply.simple(...parts));
}

function bytesOf({ length, bytes }: Piece): readonly Uint8Array[] {
  if (bytes !== undefined) return [bytes];
  const whole = Array<Uint8Array>(Math.floor(length / ZEROS.length)).fill(ZEROS);
  return [...whole, ZEROS.subarray(0, length % ZEROS.length)];
}

function* piecesOf({ source, onRead }: ExportedImage, { offset, length }: Range): Generator<Piece, undefined> {
  for (const extent of extentsOf(source, offset, offset + length)) {
    if (extent.kind !== 'data') {
      yield { offset: extent.offset, length: extent.length, bytes: undefined };
      continue;
    }
    for (let done = 0; done < extent.length; done += PIECE_BYTES) {
      const at = extent.offset + done;
      const bytes = source.read(at, Math.min(PIECE_BYTES, extent.length - done));
      onRead(bytes.length);
      yield { offset: at, length: bytes.length, bytes };
    }
  }
  return undefined;
}

/** `undefined` when the image cannot be read, which the owner of the image is told. */
function attempt<T>(image: ExportedImage, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    image.onReadError(error);
    return undefined;
  }
}
