import type { ByteRange } from '../file-system.ts';
import type { Chunk, Stripe } from './chunk.ts';
import { freeAddresses } from './free-space.ts';
import { SUPERBLOCK_OFFSETS } from './layout.ts';
import type { BtrfsVolume } from './volume.ts';

/** Nothing is ever put before this; boot loaders may be. */
const RESERVED_BYTES = 0x100000;
/** Around each superblock. */
const SUPERBLOCK_AREA = 0x10000;

/** What of the device that was opened holds nothing: in no chunk, or free in a chunk that lies there in one piece. */
export function* freeRanges(volume: BtrfsVolume, sizeBytes: number): Generator<ByteRange> {
  let latest: ByteRange | undefined;
  for (const range of withoutSuperblocks(freeOnDevice(volume, sizeBytes))) {
    if (latest !== undefined && latest.offset + latest.length === range.offset) {
      latest = { offset: latest.offset, length: latest.length + range.length };
      continue;
    }
    if (latest !== undefined) yield latest;
    latest = range;
  }
  if (latest !== undefined) yield latest;
}

function* freeOnDevice(volume: BtrfsVolume, sizeBytes: number): Generator<ByteRange> {
  const end = Math.min(volume.devices.own.totalBytes, sizeBytes);
  let position = RESERVED_BYTES;
  for (const { chunk, stripe } of stripesOf(volume)) {
    yield* range(position, Math.min(stripe.offset, end));
    const isInOnePiece = chunk.stripes.length === chunk.profile.copies && chunk.profile.parities === 0;
    for (const free of isInOnePiece ? freeAddresses(volume, chunk) : []) {
      const start = free.offset - chunk.start + stripe.offset;
      yield* range(Math.max(start, position), Math.min(start + free.length, end));
    }
    position = Math.max(position, stripe.offset + chunk.stripeBytes);
  }
  yield* range(position, end);
}

interface PlacedStripe {
  readonly chunk: Chunk;
  readonly stripe: Stripe;
}

/** What lies on the device, in order. */
function stripesOf({ addresses, devices }: BtrfsVolume): PlacedStripe[] {
  return addresses.chunks
    .flatMap((chunk) => chunk.stripes.map((stripe) => ({ chunk, stripe })))
    .filter(({ stripe }) => stripe.device === devices.own.id)
    .sort((one, other) => one.stripe.offset - other.stripe.offset);
}

function* withoutSuperblocks(ranges: Iterable<ByteRange>): Generator<ByteRange> {
  for (const { offset, length } of ranges) {
    const end = offset + length;
    let position = offset;
    for (const superblock of SUPERBLOCK_OFFSETS.filter((at) => at < end && at + SUPERBLOCK_AREA > offset)) {
      yield* range(position, superblock);
      position = superblock + SUPERBLOCK_AREA;
    }
    yield* range(position, end);
  }
}

function* range(start: number, end: number): Generator<ByteRange> {
  if (end > start) yield { offset: start, length: end - start };
}
