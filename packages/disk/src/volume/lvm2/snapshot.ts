import { readFields } from '../../fields.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { type Piece, PieceSource } from '../../source/piece-source.ts';
import { corrupt, unsupported } from './error.ts';
import { LIMIT, SECTOR_BYTES } from './layout.ts';
import type { LogicalVolumes } from './logical-volumes.ts';
import type { Segment } from './volume-group.ts';

// The store of an old (not thin) snapshot: dm-snap-persistent.c. The first chunk is a header; then an area of exceptions, as many
// as fit into a chunk, before the chunks that they tell of, again and again. Little-endian.

const SNAPSHOT_MAGIC = 0x70416e53; // 'SnAp'
const HEADER = { magic: [0, 'u32'], valid: [4, 'u32'], version: [8, 'u32'], chunk_size: [12, 'u32'] } as const;
const EXCEPTION = { old_chunk: [0, 'u64'], new_chunk: [8, 'u64'] } as const;
const EXCEPTION_BYTES = 16;
const MOST_EXCEPTIONS = 2 ** 22;

/** What a snapshot shows: its origin, but for the chunks that were kept when they changed. */
export function openSnapshot({ terms, sizeBytes }: Segment, volumes: LogicalVolumes): ByteSource {
  const origin = volumes.openPart(terms.text('origin'), 0, sizeBytes);
  if (terms.has('merging_store')) throw unsupported('snapshot', 'it is being merged into its origin');
  const store = terms.text('cow_store');
  return overlaySnapshot(origin, volumes.openPart(store, 0, volumes.require(store).sizeBytes), sizeBytes);
}

export function overlaySnapshot(origin: ByteSource, store: ByteSource, sizeBytes: number): ByteSource {
  const { chunkBytes, moved } = readStore(store);
  return new PieceSource(sizeBytes, (offset): Piece => {
    const chunk = Math.floor(offset / chunkBytes);
    const within = offset - chunk * chunkBytes;
    const length = chunkBytes - within;
    const place = moved.get(chunk);
    if (place === undefined) return { kind: 'stored', source: origin, offset, length };
    return { kind: 'stored', source: store, offset: place * chunkBytes + within, length };
  });
}

interface Store {
  readonly chunkBytes: number;
  /** Chunk of the origin → chunk of the store. */
  readonly moved: ReadonlyMap<number, number>;
}

function readStore(store: ByteSource): Store {
  const header = readFields(store.read(0, SECTOR_BYTES), HEADER, { format: 'lvm2', offset: 0 });
  if (header.magic !== SNAPSHOT_MAGIC) throw corrupt('snapshot', 'its store has no header', 0);
  if (header.version !== 1) throw unsupported('snapshot', `its store is of version ${header.version}`);
  if (header.valid === 0) throw unsupported('snapshot', 'it is no longer valid: its store was full');
  const chunkBytes = header.chunk_size * SECTOR_BYTES;
  if (chunkBytes < SECTOR_BYTES || chunkBytes > LIMIT.metadataBytes || chunkBytes % EXCEPTION_BYTES !== 0) {
    throw corrupt('snapshot', `chunks have ${header.chunk_size} sectors`, 12);
  }
  return { chunkBytes, moved: readExceptions(store, chunkBytes) };
}

function readExceptions(store: ByteSource, chunkBytes: number): ReadonlyMap<number, number> {
  const moved = new Map<number, number>();
  const each = chunkBytes / EXCEPTION_BYTES;
  const chunks = Math.floor(store.sizeBytes / chunkBytes);
  for (let area = 0; ; area++) {
    const at = 1 + area * (each + 1);
    if (at >= chunks) return moved;
    const bytes = store.read(at * chunkBytes, chunkBytes);
    for (let index = 0; index < each; index++) {
      const place = { format: 'lvm2', offset: at * chunkBytes + index * EXCEPTION_BYTES };
      const { old_chunk, new_chunk } = readFields(bytes.subarray(index * EXCEPTION_BYTES), EXCEPTION, place);
      // chunk 0 is the header, so it means "no more"
      if (new_chunk === 0) return moved;
      if (new_chunk >= chunks) throw corrupt('snapshot', `chunk ${new_chunk} is past its end`, place.offset);
      moved.set(old_chunk, new_chunk);
      if (moved.size > MOST_EXCEPTIONS) throw unsupported('snapshot', `it has more than ${MOST_EXCEPTIONS} chunks`);
    }
  }
}
