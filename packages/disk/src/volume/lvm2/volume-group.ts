import { quote } from '../../quote.ts';
import type { ConfigSection, ConfigValue } from './config-text.ts';
import { corrupt } from './error.ts';
import { LIMIT, SECTOR_BYTES } from './layout.ts';

/** A volume group as its metadata describes it. Sizes and offsets in bytes. */
export interface VolumeGroup {
  readonly name: string;
  readonly id: string;
  /** Grows with each change: the highest is the truth. */
  readonly sequence: number;
  readonly extentBytes: number;
  /** By the names that segments use: `pv0`. */
  readonly physicalVolumes: ReadonlyMap<string, PhysicalVolume>;
  readonly logicalVolumes: ReadonlyMap<string, LogicalVolume>;
}

export interface PhysicalVolume {
  readonly id: string;
  /** Where the first extent is. */
  readonly startBytes: number;
}

export interface LogicalVolume {
  readonly name: string;
  readonly isVisible: boolean;
  readonly sizeBytes: number;
  readonly segments: readonly Segment[];
}

/** A run of a logical volume that is made in one way. */
export interface Segment {
  readonly type: string;
  readonly startBytes: number;
  readonly sizeBytes: number;
  readonly terms: SegmentTerms;
}

/** What else a segment says, by the names of the metadata. */
export class SegmentTerms {
  readonly #section: ConfigSection;
  readonly #where: string;

  constructor(section: ConfigSection, where: string) {
    this.#section = section;
    this.#where = where;
  }

  number(name: string, fallback?: number): number {
    const value = this.#section.values.get(name) ?? fallback;
    return whole(value, `"${name}" of ${this.#where}`);
  }

  text(name: string): string {
    return this.optionalText(name) ?? refuse(`"${name}" of ${this.#where} is missing`);
  }

  optionalText(name: string): string | undefined {
    const value = this.#section.values.get(name);
    if (value === undefined || typeof value === 'string') return value;
    return refuse(`"${name}" of ${this.#where} is no text`);
  }

  has(name: string): boolean {
    return this.#section.values.has(name);
  }

  /** Pairs of the name of a volume and the extent of it where a part begins. */
  parts(name: string): readonly (readonly [volume: string, extent: number])[] {
    const list = asList(this.#section.values.get(name));
    if (list.length === 0 || list.length % 2 !== 0 || list.length > 2 * LIMIT.stripes) {
      return refuse(`"${name}" of ${this.#where} is no list of volumes and extents`);
    }
    return Array.from({ length: list.length / 2 }, (_, index) => {
      const volume = list[2 * index];
      const extent = whole(list[2 * index + 1], `"${name}" of ${this.#where}`);
      return typeof volume === 'string' ? [volume, extent] : refuse(`"${name}" of ${this.#where} names no volume`);
    });
  }

  /** Names alone, as RAID segments have them. */
  names(name: string): readonly string[] {
    const list = asList(this.#section.values.get(name));
    if (list.length === 0 || list.length > 2 * LIMIT.stripes || !list.every((item) => typeof item === 'string')) {
      return refuse(`"${name}" of ${this.#where} is no list of volumes`);
    }
    return list as readonly string[];
  }
}

/** The group in the metadata text: the one section of it that has a sequence number. */
export function toVolumeGroup(root: ConfigSection): VolumeGroup {
  const [entry] = [...root.sections].filter(([, section]) => section.values.has('seqno'));
  if (entry === undefined) return refuse('it describes no volume group');
  const [name, group] = entry;
  checkName(name);
  const sectors = whole(group.values.get('extent_size'), '"extent_size"');
  if (sectors < 1 || sectors > LIMIT.extentSectors) return refuse(`extents have ${sectors} sectors`);
  const extentBytes = sectors * SECTOR_BYTES;
  return {
    name,
    id: bareId(group.values.get('id')),
    sequence: whole(group.values.get('seqno'), '"seqno"'),
    extentBytes,
    physicalVolumes: mapSection(group.sections.get('physical_volumes'), toPhysicalVolume),
    logicalVolumes: mapSection(group.sections.get('logical_volumes'), (section, volume) =>
      toLogicalVolume(section, volume, extentBytes),
    ),
  };
}

function mapSection<Value>(
  section: ConfigSection | undefined,
  convert: (section: ConfigSection, name: string) => Value,
): ReadonlyMap<string, Value> {
  const entries = [...(section?.sections ?? [])];
  if (entries.length > LIMIT.volumes) return refuse(`it describes ${entries.length} volumes`);
  return new Map(entries.map(([name, inner]) => [name, convert(inner, name)]));
}

function toPhysicalVolume({ values }: ConfigSection, name: string): PhysicalVolume {
  const start = whole(values.get('pe_start'), `"pe_start" of ${quote(name)}`);
  return { id: bareId(values.get('id')), startBytes: bytes(start, SECTOR_BYTES) };
}

function toLogicalVolume({ values, sections }: ConfigSection, name: string, extentBytes: number): LogicalVolume {
  checkName(name);
  const found = [...sections].filter(([key]) => /^segment\d+$/.test(key));
  if (found.length > LIMIT.segments) return refuse(`${quote(name)} has ${found.length} segments`);
  const segments = found
    .map(([key, section]) => toSegment(section, `"${key}" of ${quote(name)}`, extentBytes))
    .sort((a, b) => a.startBytes - b.startBytes);
  let sizeBytes = 0;
  for (const segment of segments) {
    if (segment.startBytes !== sizeBytes) return refuse(`segments of ${quote(name)} leave a gap or overlap`);
    sizeBytes += segment.sizeBytes;
  }
  if (!Number.isSafeInteger(sizeBytes)) return refuse(`${quote(name)} is larger than 2^53 bytes`);
  return { name, isVisible: asList(values.get('status')).includes('VISIBLE'), sizeBytes, segments };
}

function toSegment(section: ConfigSection, where: string, extentBytes: number): Segment {
  const terms = new SegmentTerms(section, where);
  // `striped+tag` and the like: what follows the sign is for whoever writes
  const [type = ''] = terms.text('type').split('+', 1);
  const count = terms.number('extent_count');
  if (count === 0) return refuse(`${where} has no extents`);
  return {
    type,
    startBytes: bytes(terms.number('start_extent'), extentBytes),
    sizeBytes: bytes(count, extentBytes),
    terms,
  };
}

/** As LVM allows them: they become parts of device names. */
function checkName(name: string): void {
  if (!/^[\w+.-]{1,127}$/.test(name)) refuse(`${quote(name)} is no name of a group or volume`);
}

function bytes(count: number, unit: number): number {
  const product = count * unit;
  return Number.isSafeInteger(product) ? product : refuse(`${count} times ${unit} bytes is above 2^53`);
}

function whole(value: ConfigValue | undefined, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  return refuse(`${what} is no whole number`);
}

function asList(value: ConfigValue | undefined): readonly (number | string)[] {
  if (value === undefined) return [];
  return typeof value === 'number' || typeof value === 'string' ? [value] : value;
}

function bareId(value: ConfigValue | undefined): string {
  return typeof value === 'string' ? value.replaceAll('-', '') : refuse('a volume has no identity');
}

function refuse(state: string): never {
  throw corrupt('metadata', state);
}
