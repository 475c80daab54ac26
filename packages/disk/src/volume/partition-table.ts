/** One entry of a partition table. Sizes and offsets in bytes. */
export interface Partition {
  /** As the kernel numbers it: logical partitions of an MBR start at 5. */
  readonly number: number;
  readonly startBytes: number;
  readonly sizeBytes: number;
  readonly kind: 'primary' | 'logical' | 'extended';
  /** GPT: the type GUID, upper case. MBR: `0x83`. BSD: `bsd 7`. Apple: `Apple_HFS`. */
  readonly type: string;
  /** What the type means, when known: `EFI System`, `Linux filesystem` … */
  readonly typeName?: string;
  /** GPT or Apple name; letter of a BSD partition. */
  readonly name?: string;
  /** GPT partition GUID in lower case, or the MBR's `{disk signature}-{number}` as Linux spells PARTUUID. */
  readonly uuid?: string;
  readonly bootable?: boolean;
  /** GPT attribute bits as `0x` and 16 hex digits: they use all 64. */
  readonly attributes?: string;
}

export interface PartitionTable {
  readonly scheme: 'gpt' | 'mbr' | 'bsd' | 'apm';
  readonly sectorSize: 512 | 2048 | 4096;
  /** GPT disk GUID, or MBR signature as 8 hex digits; other tables have none. */
  readonly diskId: string;
  readonly partitions: readonly Partition[];
  /** What a reader should know: backup used, CRC mismatch, hybrid MBR … */
  readonly warnings: readonly string[];
}
