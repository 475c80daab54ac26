import { DiskError } from '../../error.ts';
import { type Fields, readFields } from '../../fields.ts';
import { readUuid } from '../../guid.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { CHECKSUM_TYPES, type ChecksumType, matches } from './checksum.ts';
import { corrupt, unsupported } from './error.ts';
import { checkFeatures, has, unknownCompatRo } from './features.ts';
import { isBtrfs } from './format.ts';
import {
  CHECKSUM_AREA,
  COMPAT_RO,
  INCOMPAT,
  LABEL_SIZE,
  MAX_LEVEL,
  S_DEVICE_UUID,
  S_FSID,
  S_LABEL,
  S_METADATA_UUID,
  S_SYS_CHUNK_ARRAY,
  SUPERBLOCK,
  SUPERBLOCK_MAGIC,
  SUPERBLOCK_OFFSETS,
  SUPERBLOCK_SIZE,
  SYS_CHUNK_ARRAY_SIZE,
} from './layout.ts';
import type { TreePointer } from './tree-block.ts';

/** What the superblock says, checked: the geometry holds together and every feature can be read. */
export interface Superblock {
  readonly fsid: string;
  readonly label: string | undefined;
  /** What every tree block carries. */
  readonly blockId: Uint8Array;
  readonly checksum: ChecksumType;
  readonly generation: number;
  readonly root: TreePointer;
  readonly chunkRoot: TreePointer;
  /** Of what was fsynced and never committed. */
  readonly logRoot: TreePointer | undefined;
  readonly totalBytes: number;
  readonly bytesUsed: number;
  readonly sectorSize: number;
  readonly nodeSize: number;
  /** Whether holes need no item. */
  readonly hasImplicitHoles: boolean;
  readonly hasBlockGroupTree: boolean;
  readonly hasFreeSpaceTree: boolean;
  readonly deviceCount: number;
  /** The device that this copy lies on. */
  readonly device: { readonly id: number; readonly uuid: string; readonly totalBytes: number };
  /** Items of the chunks that the chunk tree itself lies in. */
  readonly systemChunks: Uint8Array;
  readonly warnings: readonly string[];
}

type Raw = Fields<typeof SUPERBLOCK>;

interface Copy {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly raw: Raw;
  readonly checksum: ChecksumType;
}

const PRIMARY = SUPERBLOCK_OFFSETS[0];
const HEAD_BYTES = PRIMARY + SUPERBLOCK_SIZE;

/** The newest copy that is whole. @throws DiskError what is wrong with the first one, when none is */
export function readSuperblock(source: ByteSource): Superblock {
  const { copies, failures } = readCopies(source);
  const primary = copies.find(({ offset }) => offset === PRIMARY);
  // where another filesystem was before, its copies further in may have outlived it
  const related = primary === undefined ? copies : copies.filter((copy) => sameFileSystem(copy, primary));
  const [newest] = related.toSorted((one, other) => other.raw.generation - one.raw.generation);
  if (newest === undefined) throw failures[0];
  const superblock = interpret(newest);
  if (primary !== undefined) return superblock;
  const warning = `superblock at ${hex(PRIMARY)} is damaged: its copy at ${hex(newest.offset)} was read`;
  return { ...superblock, warnings: [...superblock.warnings, warning] };
}

/** The superblock of a volume; nothing where it holds something else, or is too damaged to say. */
export function findSuperblock(source: ByteSource): Superblock | undefined {
  try {
    return isBtrfs(source.read(0, Math.min(HEAD_BYTES, source.sizeBytes))) ? readSuperblock(source) : undefined;
  } catch (error) {
    if (!(error instanceof DiskError) || error.kind === 'io') throw error;
    return undefined;
  }
}

function readCopies(source: ByteSource): { copies: Copy[]; failures: DiskError[] } {
  const copies: Copy[] = [];
  const failures: DiskError[] = [];
  for (const offset of SUPERBLOCK_OFFSETS) {
    try {
      copies.push(readCopy(source, offset));
    } catch (error) {
      if (!(error instanceof DiskError) || error.kind === 'io') throw error;
      failures.push(error);
    }
  }
  return { copies, failures };
}

function readCopy(source: ByteSource, offset: number): Copy {
  if (source.sizeBytes < offset + SUPERBLOCK_SIZE) {
    throw corrupt(`Cannot read superblock: the volume ends at ${hex(source.sizeBytes)}`, offset);
  }
  const bytes = source.read(offset, SUPERBLOCK_SIZE);
  const raw = readFields(bytes, SUPERBLOCK, { format: 'btrfs', offset });
  if (raw.magic !== SUPERBLOCK_MAGIC) throw wrong(offset, 'magic', `it is ${hex(raw.magic)}`);
  const checksum = CHECKSUM_TYPES[raw.csum_type];
  if (checksum === undefined) {
    throw unsupported(
      `Cannot open filesystem: unknown checksum type ${raw.csum_type}`,
      offset + SUPERBLOCK.csum_type[0],
    );
  }
  if (!matches(checksum, bytes.subarray(CHECKSUM_AREA), bytes)) {
    throw corrupt(`Cannot read superblock: its ${checksum.name} checksum is wrong`, offset);
  }
  if (raw.bytenr !== offset) throw wrong(offset, 'bytenr', `it is ${hex(raw.bytenr)}, expected ${hex(offset)}`);
  return { offset, bytes, raw, checksum };
}

function sameFileSystem(one: Copy, other: Copy): boolean {
  return readUuid(one.bytes, S_FSID) === readUuid(other.bytes, S_FSID);
}

function interpret(copy: Copy): Superblock {
  const { offset, bytes, raw, checksum } = copy;
  checkFeatures(raw.incompat_flags, offset);
  checkGeometry(copy);
  const idOffset = has(raw.incompat_flags, INCOMPAT.METADATA_UUID) ? S_METADATA_UUID : S_FSID;
  const unknown = unknownCompatRo(raw.compat_ro_flags);
  return {
    fsid: readUuid(bytes, S_FSID),
    label: labelOf(bytes),
    blockId: bytes.slice(idOffset, idOffset + 16),
    checksum,
    generation: raw.generation,
    root: { address: raw.root, level: raw.root_level, generation: raw.generation },
    chunkRoot: { address: raw.chunk_root, level: raw.chunk_root_level, generation: raw.chunk_root_generation },
    logRoot: logRootOf(raw),
    totalBytes: raw.total_bytes,
    bytesUsed: raw.bytes_used,
    sectorSize: raw.sectorsize,
    nodeSize: raw.nodesize,
    hasImplicitHoles: has(raw.incompat_flags, INCOMPAT.NO_HOLES),
    hasBlockGroupTree: has(raw.compat_ro_flags, COMPAT_RO.BLOCK_GROUP_TREE),
    hasFreeSpaceTree:
      has(raw.compat_ro_flags, COMPAT_RO.FREE_SPACE_TREE) && has(raw.compat_ro_flags, COMPAT_RO.FREE_SPACE_TREE_VALID),
    deviceCount: raw.num_devices,
    device: { id: raw.dev_item_devid, uuid: readUuid(bytes, S_DEVICE_UUID), totalBytes: raw.dev_item_total_bytes },
    systemChunks: bytes.slice(S_SYS_CHUNK_ARRAY, S_SYS_CHUNK_ARRAY + raw.sys_chunk_array_size),
    warnings: unknown === 0n ? [] : [`features ${hex(unknown)} are not known: they do not keep files from being read`],
  };
}

function labelOf(bytes: Uint8Array): string | undefined {
  const label = bytes.subarray(S_LABEL, S_LABEL + LABEL_SIZE);
  const end = label.indexOf(0);
  return new TextDecoder().decode(end < 0 ? label : label.subarray(0, end)) || undefined;
}

/** The log is written by the transaction that was open then. */
function logRootOf(raw: Raw): TreePointer | undefined {
  if (raw.log_root === 0) return undefined;
  return { address: raw.log_root, level: raw.log_root_level, generation: raw.generation + 1 };
}

const LEAST_SECTOR = 4096;
const LARGEST_BLOCK = 65536;

function checkGeometry({ offset, raw }: Copy): void {
  const ensure = (holds: boolean, field: keyof typeof SUPERBLOCK) => {
    if (!holds) throw wrong(offset, field, `it is ${hex(raw[field])}`);
  };
  ensure(isPowerOfTwo(raw.sectorsize) && inRange(raw.sectorsize, LEAST_SECTOR, LARGEST_BLOCK), 'sectorsize');
  ensure(isPowerOfTwo(raw.nodesize) && inRange(raw.nodesize, raw.sectorsize, LARGEST_BLOCK), 'nodesize');
  ensure(raw.sys_chunk_array_size <= SYS_CHUNK_ARRAY_SIZE, 'sys_chunk_array_size');
  for (const field of ['root', 'chunk_root', 'log_root'] as const) ensure(raw[field] % raw.sectorsize === 0, field);
  for (const field of ['root_level', 'chunk_root_level', 'log_root_level'] as const) {
    ensure(raw[field] <= MAX_LEVEL, field);
  }
  ensure(raw.num_devices > 0, 'num_devices');
  ensure(raw.total_bytes > 0, 'total_bytes');
}

function wrong(offset: number, field: keyof typeof SUPERBLOCK, state: string): DiskError {
  return corrupt(`Cannot read superblock: bad ${field}: ${state}`, offset + SUPERBLOCK[field][0]);
}

function inRange(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}
