import { readFields } from '../../fields.ts';
import { corrupt } from './error.ts';
import {
  CONTINUATION,
  ENTRY_HEADER_SIZE,
  EXTENSION_ID_AT,
  EXTENSION_REFERENCE,
  LARGEST_CONTINUATION,
  MOST_CONTINUATIONS,
  ROCK_RIDGE_IDS,
  SHARING_PROTOCOL,
  SHARING_SKIP_AT,
  XA_RECORD_SIZE,
} from './layout.ts';
import type { DirectoryRecord } from './record.ts';
import type { Iso9660Volume } from './volume.ts';

/** An entry behind a name, as the System Use Sharing Protocol has it. */
export interface SystemUseEntry {
  readonly signature: string;
  /** What follows the header. */
  readonly content: Uint8Array;
  /** Of the area that it is in, for errors. */
  readonly at: number;
}

/** How entries are found on a disc. */
export interface Sharing {
  /** How many bytes stand before the first entry of all records but the first. */
  readonly skip: number;
  /** Which of the extensions that the disc names is Rock Ridge: `ES` switches between them. */
  readonly rockRidge: number;
}

/** What the first record of the root says of all others; `undefined` on a disc without Rock Ridge. */
export function readSharing(volume: Iso9660Volume, root: DirectoryRecord): Sharing | undefined {
  const start = [0, XA_RECORD_SIZE].find((at) =>
    SHARING_PROTOCOL.every((byte, index) => root.systemUse[at + index] === byte),
  );
  if (start === undefined) return undefined;
  const entries = [...entriesOf(volume, root.systemUse.subarray(start), root.at)];
  const ids = entries.filter(({ signature }) => signature === 'ER').map(extensionId);
  const rockRidge = ids.findIndex((id) => ROCK_RIDGE_IDS.includes(id));
  // there are discs that forget to name it
  if (rockRidge === -1 && !entries.some(({ signature }) => signature === 'PX')) return undefined;
  return { skip: root.systemUse[start + SHARING_SKIP_AT] ?? 0, rockRidge: Math.max(rockRidge, 0) };
}

/** The entries of Rock Ridge of a record. */
export function* rockRidgeEntries(
  volume: Iso9660Volume,
  { systemUse, at }: DirectoryRecord,
  { skip, rockRidge }: Sharing,
): Generator<SystemUseEntry> {
  let extension = rockRidge;
  const bytes = startsSharing(systemUse) ? systemUse : systemUse.subarray(skip);
  for (const entry of entriesOf(volume, bytes, at)) {
    if (entry.signature === 'ES') extension = entry.content[0] ?? 0;
    else if (extension === rockRidge) yield entry;
  }
}

function startsSharing(systemUse: Uint8Array): boolean {
  return SHARING_PROTOCOL.every((byte, index) => systemUse[index] === byte);
}

function extensionId({ content, at }: SystemUseEntry): string {
  const { id_length } = readFields(content, EXTENSION_REFERENCE, { format: 'iso9660', offset: at });
  return new TextDecoder('latin1').decode(content.subarray(EXTENSION_ID_AT, EXTENSION_ID_AT + id_length));
}

interface Area {
  readonly bytes: Uint8Array;
  readonly at: number;
}

/** All entries of a record, and of the areas where it goes on. */
function* entriesOf(volume: Iso9660Volume, bytes: Uint8Array, at: number): Generator<SystemUseEntry> {
  let area: Area | undefined = { bytes, at };
  for (let count = 0; area !== undefined; count++) {
    if (count > MOST_CONTINUATIONS)
      throw corrupt(`Cannot read record: it goes on in more than ${MOST_CONTINUATIONS} areas`, at);
    let next: SystemUseEntry | undefined;
    for (const entry of entriesIn(area)) {
      if (entry.signature === 'ST') return;
      if (entry.signature === 'CE') next = entry;
      else yield entry;
    }
    area = next && continuation(volume, next);
  }
}

function* entriesIn({ bytes, at }: Area): Generator<SystemUseEntry> {
  for (let offset = 0; offset + ENTRY_HEADER_SIZE <= bytes.length; ) {
    const length = bytes[offset + 2] as number;
    // the padding at the end, if any
    if (length < ENTRY_HEADER_SIZE || bytes[offset] === 0) return;
    if (offset + length > bytes.length) throw corrupt('Cannot read record: an entry of its system use area is cut', at);
    const signature = String.fromCharCode(bytes[offset] as number, bytes[offset + 1] as number);
    yield { signature, content: bytes.subarray(offset + ENTRY_HEADER_SIZE, offset + length), at };
    offset += length;
  }
}

function continuation(volume: Iso9660Volume, { content, at }: SystemUseEntry): Area {
  const { block, offset, length } = readFields(content, CONTINUATION, { format: 'iso9660', offset: at });
  if (length > LARGEST_CONTINUATION) throw corrupt(`Cannot read record: it goes on for ${length} bytes`, at);
  const start = block * volume.blockSize + offset;
  return { bytes: volume.read(start, length), at: start };
}
