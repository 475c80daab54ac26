import type { ByteSource } from '../../source/byte-source.ts';
import type { Attribute } from './attribute.ts';
import { readAttributeList } from './attribute-list.ts';
import { corrupt } from './corrupt.ts';
import type { FileRecord, FileReference } from './file-record.ts';
import { ATTRIBUTE_TYPE, RECORD } from './layout.ts';
import type { Mft } from './mft.ts';
import { openValue } from './stored-value.ts';

/** A file as NTFS knows it: attributes, in one record or, where they do not fit, in several. */
export class NtfsFile {
  readonly record: FileRecord;
  readonly #mft: Mft;
  #attributes: readonly Attribute[] | undefined;

  constructor(mft: Mft, record: FileRecord) {
    if (record.base !== undefined) {
      throw corrupt(
        `Cannot read file record ${record.number}: it continues another, ${record.base.number}`,
        record.offset,
      );
    }
    this.#mft = mft;
    this.record = record;
  }

  /** Of all records of the file, those that are in pieces once for each. */
  get attributes(): readonly Attribute[] {
    this.#attributes ??= this.#collect();
    return this.#attributes;
  }

  has(type: number, name = ''): boolean {
    return this.attributes.some((attribute) => attribute.type === type && attribute.name === name);
  }

  /** The first piece, which says most; `undefined` when there is no such attribute. */
  find(type: number, name = ''): Attribute | undefined {
    return this.#pieces(type, name).find(isFirst);
  }

  /** What folders and the like are made of, through the cache. */
  metadata(type: number, name = ''): ByteSource | undefined {
    return this.#open(this.#mft.volume.metadata, type, name);
  }

  /** Content, which is read once. */
  content(type: number, name = ''): ByteSource | undefined {
    return this.#open(this.#mft.volume.content, type, name);
  }

  /** A small value as a whole. @throws DiskError `corrupt` when it has more bytes than `most` */
  value(type: number, most: number, name = ''): Uint8Array | undefined {
    const value = this.metadata(type, name);
    if (value === undefined || value.sizeBytes <= most) return value?.read(0, value.sizeBytes);
    const state = `attribute 0x${type.toString(16)} has ${value.sizeBytes} bytes, expected at most ${most}`;
    throw corrupt(`Cannot read file record ${this.record.number}: ${state}`, this.record.offset);
  }

  #open(volume: ByteSource, type: number, name: string): ByteSource | undefined {
    const pieces = this.#pieces(type, name);
    return pieces.length === 0 ? undefined : openValue(volume, this.#mft.volume.geometry, pieces);
  }

  #pieces(type: number, name: string): Attribute[] {
    return this.attributes.filter((attribute) => attribute.type === type && attribute.name === name);
  }

  #collect(): readonly Attribute[] {
    const { attributes, number } = this.record;
    const lists = attributes.filter(({ type }) => type === ATTRIBUTE_TYPE.ATTRIBUTE_LIST);
    if (lists.length === 0) return attributes;
    const { metadata, geometry } = this.#mft.volume;
    const listed = readAttributeList(openValue(metadata, geometry, lists), this.record.offset);
    const others = new Map(listed.map(({ record }) => [record.number, record]));
    others.delete(number);
    return [attributes, ...[...others.values()].map((reference) => this.#continued(reference))].flat();
  }

  #continued(reference: FileReference): readonly Attribute[] {
    const record = this.#mft.record(reference);
    const { number, sequence } = this.record;
    // the file table was there before its records had a number of uses
    if (record.base?.number === number && (record.base.sequence === sequence || number === RECORD.MFT))
      return record.attributes;
    throw corrupt(
      `Cannot read file record ${record.number}: it does not continue ${number}, expected it to`,
      record.offset,
    );
  }
}

function isFirst({ body }: Attribute): boolean {
  return body instanceof Uint8Array || body.firstVcn === 0;
}
