import { readFields } from '../../fields.ts';
import { Lru } from '../../lru.ts';
import { corrupt } from './corrupt.ts';
import type { NtfsFile } from './file.ts';
import { Index } from './index.ts';
import {
  ATTRIBUTE_TYPE,
  MAX_DESCRIPTOR_BYTES,
  SECURITY_ENTRY,
  SECURITY_ENTRY_SIZE,
  SECURITY_IDS,
  SECURITY_STREAM,
  VIEW_INDEX_ENTRY,
} from './layout.ts';

const KEPT_BYTES = 1024 * 1024;

/** Security descriptors, owners and what they allow, which files name by number: most files share a few. */
export class SecurityDescriptors {
  readonly #file: NtfsFile;
  readonly #index: Index;
  readonly #descriptors = new Lru<number, Uint8Array>(KEPT_BYTES, ({ length }) => length);

  constructor(file: NtfsFile, clusterBytes: number) {
    this.#file = file;
    this.#index = new Index(file, SECURITY_IDS, clusterBytes);
  }

  find(id: number): Uint8Array | undefined {
    const known = this.#descriptors.get(id) ?? this.#read(id);
    if (known !== undefined) this.#descriptors.set(id, known);
    return known;
  }

  #read(id: number): Uint8Array | undefined {
    for (const { bytes, offset } of this.#index.find((key) => id - keyOf(key))) {
      const { data_offset: at } = readFields(bytes, VIEW_INDEX_ENTRY, { format: 'ntfs', offset });
      const entry = readFields(bytes.subarray(at), SECURITY_ENTRY, { format: 'ntfs', offset });
      const stream = this.#file.metadata(ATTRIBUTE_TYPE.DATA, SECURITY_STREAM);
      const isSound = entry.length > SECURITY_ENTRY_SIZE && entry.length <= SECURITY_ENTRY_SIZE + MAX_DESCRIPTOR_BYTES;
      if (stream === undefined || !isSound) {
        throw corrupt(`Cannot read security descriptor ${id}: it has ${entry.length} bytes`, offset);
      }
      return stream.read(entry.offset, entry.length).slice(SECURITY_ENTRY_SIZE);
    }
    return undefined;
  }
}

function keyOf(key: Uint8Array): number {
  return readFields(key, { id: [0, 'u32'] } as const, { format: 'ntfs' }).id;
}
