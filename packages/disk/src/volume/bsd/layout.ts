// BSD disklabel, little-endian: at the start of a disk or of the MBR partition that it divides

export const BSD_MAGIC = 0x82564557;
/** In the second sector, or in the first one, as on the Alpha. */
export const BSD_LABEL_OFFSETS = [512, 64] as const;
export const BSD_LABEL = {
  magic: [0, 'u32'],
  sector_size: [40, 'u32'],
  magic2: [132, 'u32'],
  partition_count: [138, 'u16'],
} as const;
export const BSD_ENTRIES_OFFSET = 148;
export const BSD_ENTRY_SIZE = 16;
export const BSD_ENTRY = {
  size: [0, 'u32'],
  offset: [4, 'u32'],
  type: [12, 'u8'],
} as const;

/** As OpenBSD has them; others stop at 8. */
export const MOST_BSD_PARTITIONS = 16;
/** Letter `c`: the whole of what the label divides. */
export const BSD_WHOLE = 2;
export const BSD_UNUSED = 0;

/** Types of MBR partitions that hold one: FreeBSD, OpenBSD, NetBSD. */
export const BSD_SLICE_TYPES: ReadonlySet<string> = new Set(['0xa5', '0xa6', '0xa9']);
/** Only FreeBSD may count from the start of the partition. */
export const FREEBSD_SLICE_TYPE = '0xa5';
