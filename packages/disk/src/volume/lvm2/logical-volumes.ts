import { quote } from '../../quote.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { concatSources } from '../../source/concat-source.ts';
import { PieceSource } from '../../source/piece-source.ts';
import { WindowSource } from '../../source/window-source.ts';
import { corrupt, unsupported } from './error.ts';
import { LIMIT } from './layout.ts';
import { SEGMENT_TYPES } from './segment-types.ts';
import type { LogicalVolume, Segment, VolumeGroup } from './volume-group.ts';

/** The logical volumes of a group over the physical ones that are there. */
export class LogicalVolumes {
  readonly group: VolumeGroup;
  /** By identity. */
  readonly #present: ReadonlyMap<string, ByteSource>;
  readonly #opened = new Map<string, ByteSource>();
  /** Those being opened now: a volume that lies on itself would never end. */
  readonly #opening = new Set<string>();

  constructor(group: VolumeGroup, present: ReadonlyMap<string, ByteSource>) {
    this.group = group;
    this.#present = present;
  }

  /** @throws DiskError why the volume cannot be read */
  open(name: string): ByteSource {
    const known = this.#opened.get(name);
    if (known !== undefined) return known;
    const volume = this.require(name);
    if (this.#opening.has(name) || this.#opening.size >= LIMIT.depth) {
      throw corrupt('metadata', `${quote(name)} lies on itself, or on more than ${LIMIT.depth} others`);
    }
    this.#opening.add(name);
    try {
      const source = this.#openSegments(volume);
      this.#opened.set(name, source);
      return source;
    } finally {
      this.#opening.delete(name);
    }
  }

  require(name: string): LogicalVolume {
    const volume = this.group.logicalVolumes.get(name);
    if (volume === undefined) throw corrupt('metadata', `there is no volume ${quote(name)}`);
    return volume;
  }

  /** A run of a physical volume, or of a logical one, that a segment names. */
  openPart(name: string, extent: number, sizeBytes: number): ByteSource {
    const offset = extent * this.group.extentBytes;
    const physical = this.group.physicalVolumes.get(name);
    if (physical === undefined) return windowOf(this.open(name), name, { offset, sizeBytes });
    const source = this.#present.get(physical.id);
    if (source === undefined) throw unsupported(`volume group ${quote(this.group.name)}`, `${quote(name)} is missing`);
    return windowOf(source, name, { offset: physical.startBytes + offset, sizeBytes });
  }

  /** The same, or `undefined` when a physical volume is missing: for what has copies. */
  openPartIfPresent(name: string, extent: number, sizeBytes: number): ByteSource | undefined {
    return this.isComplete(name) ? this.openPart(name, extent, sizeBytes) : undefined;
  }

  /** Whether all that a volume lies on is there. */
  isComplete(name: string, depth = 0): boolean {
    const physical = this.group.physicalVolumes.get(name);
    if (physical !== undefined) return this.#present.has(physical.id);
    if (depth > LIMIT.depth) return false;
    const { segments } = this.require(name);
    return segments.every((segment) => membersOf(segment).every((member) => this.isComplete(member, depth + 1)));
  }

  #openSegments({ name, sizeBytes, segments }: LogicalVolume): ByteSource {
    if (segments.length === 0) return new PieceSource(sizeBytes, () => ({ kind: 'absent', length: sizeBytes }));
    const parts = segments.map((segment) => this.#openSegment(name, segment));
    const [first] = parts;
    return parts.length === 1 && first !== undefined ? first : concatSources(parts);
  }

  #openSegment(name: string, segment: Segment): ByteSource {
    const open = SEGMENT_TYPES[segment.type];
    if (open !== undefined) return open(segment, this);
    throw unsupported(`logical volume ${quote(name)}`, `a segment is of type ${quote(segment.type)}`);
  }
}

function membersOf({ type, terms }: Segment): readonly string[] {
  if (type === 'striped') return terms.parts('stripes').map(([name]) => name);
  return [];
}

function windowOf(
  source: ByteSource,
  name: string,
  { offset, sizeBytes }: { readonly offset: number; readonly sizeBytes: number },
): ByteSource {
  if (offset + sizeBytes <= source.sizeBytes) return new WindowSource(source, offset, sizeBytes);
  throw corrupt('metadata', `a run of ${sizeBytes} bytes at ${offset} is not within ${quote(name)}`);
}
