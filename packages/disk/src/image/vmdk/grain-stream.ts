import { readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { corrupt } from './error.ts';
import type { GrainPlace, GrainTable } from './grain-table.ts';
import type { HostedHeader } from './hosted-header.ts';
import { GRAIN_HEADER_SIZE, LIMIT, MARKER, MARKER_SIZE, MARKER_TYPE, SECTOR_SIZE } from './layout.ts';

/** The grains of a stream, found without its tables by reading it from the start. */
export class ScannedGrains implements GrainTable {
  readonly #grains: Uint32Array;
  readonly #sectors: Uint32Array;
  readonly #total: number;
  /** Where the stream broke off, when it did: grains after the last one found may have been there. */
  readonly #brokenAt: number | undefined;

  constructor(found: readonly FoundGrain[], total: number, brokenAt: number | undefined) {
    this.#grains = Uint32Array.from(found, ({ grain }) => grain);
    this.#sectors = Uint32Array.from(found, ({ sector }) => sector);
    this.#total = total;
    this.#brokenAt = brokenAt;
  }

  find(grain: number): GrainPlace {
    const index = this.#firstFrom(grain);
    const found = this.#grains[index];
    if (found === grain) return { kind: 'stored', offset: (this.#sectors[index] ?? 0) * SECTOR_SIZE };
    if (found === undefined && this.#brokenAt !== undefined) {
      throw corrupt('stream', `it breaks off at ${hex(this.#brokenAt)}, before grain ${grain}`, this.#brokenAt);
    }
    return { kind: 'absent', count: (found ?? this.#total) - grain };
  }

  /** Index of the first grain found that is not before `grain`. */
  #firstFrom(grain: number): number {
    let low = 0;
    let high = this.#grains.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#grains[middle] ?? 0) < grain) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

interface FoundGrain {
  readonly grain: number;
  readonly sector: number;
}

/** Reads a stream marker by marker. The number of grains is bounded, and so is the number of steps, by the size of the file. */
export function scanStream(source: ByteSource, header: HostedHeader): ScannedGrains {
  const found: FoundGrain[] = [];
  let at = Math.max(header.overhead, SECTOR_SIZE);
  let brokenAt: number | undefined;
  for (;;) {
    const part = partAt(source, header, at);
    if (part === 'end') break;
    if (part === 'broken') {
      brokenAt = at;
      break;
    }
    if (part.grain !== undefined) found.push({ grain: part.grain, sector: at / SECTOR_SIZE });
    if (found.length > LIMIT.scannedGrains) {
      throw corrupt('stream', `it has more than ${LIMIT.scannedGrains} grains and no grain directory`, at);
    }
    at = part.next;
  }
  found.sort((a, b) => a.grain - b.grain);
  checkNoneTwice(found);
  return new ScannedGrains(found, Math.ceil(header.sizeBytes / header.grainBytes), brokenAt);
}

type Part = { readonly next: number; readonly grain?: number };

function partAt(source: ByteSource, header: HostedHeader, at: number): Part | 'end' | 'broken' {
  if (at + MARKER_SIZE > source.sizeBytes) return 'broken';
  const bytes = source.read(at, MARKER_SIZE);
  if ((bytes[7] ?? 0) !== 0) return 'broken';
  const { val, size, type } = readFields(bytes, MARKER, { format: 'vmdk', offset: at });
  if (size > 0) return grainPart(source, header, at, { lba: val, size });
  // the end itself, or the footer just before it
  if (type === MARKER_TYPE.endOfStream || type === MARKER_TYPE.footer) return 'end';
  if (type !== MARKER_TYPE.grainTable && type !== MARKER_TYPE.grainDirectory) return 'broken';
  const next = at + SECTOR_SIZE + val * SECTOR_SIZE;
  return next <= source.sizeBytes ? { next } : 'broken';
}

function grainPart(
  source: ByteSource,
  { sizeBytes, grainBytes }: HostedHeader,
  at: number,
  { lba, size }: { readonly lba: number; readonly size: number },
): Part | 'broken' {
  const grain = (lba * SECTOR_SIZE) / grainBytes;
  const end = at + GRAIN_HEADER_SIZE + size;
  if (!Number.isInteger(grain) || lba * SECTOR_SIZE >= sizeBytes || end > source.sizeBytes) return 'broken';
  return { grain, next: Math.ceil(end / SECTOR_SIZE) * SECTOR_SIZE };
}

function checkNoneTwice(sorted: readonly FoundGrain[]): void {
  for (const [index, { grain, sector }] of sorted.entries()) {
    if (sorted[index + 1]?.grain === grain) {
      throw corrupt('stream', `grain ${grain} is in it twice`, sector * SECTOR_SIZE);
    }
  }
}
