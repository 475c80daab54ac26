import { type ExtentKind, extentsOf } from '@guestkit/disk';
import { u32 } from './encode.ts';
import type { ExportedImage } from './exported-image.ts';
import { ALLOCATION_CONTEXT, ALLOCATION_FLAG, CHUNK, COMMAND_FLAG, LIMIT } from './layout.ts';
import type { Reply, Request } from './reply.ts';

const FLAGS: Readonly<Record<ExtentKind, number>> = {
  data: 0,
  zero: ALLOCATION_FLAG.zero,
  absent: ALLOCATION_FLAG.hole | ALLOCATION_FLAG.zero,
};

/** Tells which ranges are stored: of all that was asked for, or of as much as fits one answer. */
export function answerBlockStatus(request: Request, image: ExportedImage, reply: Reply): Promise<void> {
  const most = (request.flags & COMMAND_FLAG.requestOne) !== 0 ? 1 : LIMIT.statusExtents;
  const descriptors: Uint8Array[] = [];
  try {
    for (const { length, kind } of extentsOf(image.source, request.offset, request.offset + request.length)) {
      descriptors.push(u32(length), u32(FLAGS[kind]));
      if (descriptors.length === most * 2) break;
    }
  } catch (error) {
    image.onReadError(error);
    return reply.fail('EIO', 'the map of the image cannot be read here');
  }
  return reply.chunk(CHUNK.blockStatus, true, u32(ALLOCATION_CONTEXT.id), ...descriptors);
}
