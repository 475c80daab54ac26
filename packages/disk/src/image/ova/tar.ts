import { hex } from '../../hex.ts';
import { quote } from '../../quote.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { corrupt } from './error.ts';
import { BLOCK_SIZE, FIELD, LIMIT, MAGIC, POSIX_VERSION, TYPE } from './layout.ts';

/** A file in the archive, where it lies. */
export interface TarMember {
  readonly name: string;
  readonly offset: number;
  readonly sizeBytes: number;
  /** Its holes were left out: what is at `offset` is not the file. */
  readonly isSparse: boolean;
}

export function isTar(head: Uint8Array): boolean {
  return text(head, MAGIC.at, MAGIC.text.length) === MAGIC.text;
}

/** Lists the files of an archive by its headers, without unpacking anything. */
export function readTar(source: ByteSource): ReadonlyMap<string, TarMember> {
  const members = new Map<string, TarMember>();
  let extension: Extension = {};
  let count = 0;
  for (let at = 0; at + BLOCK_SIZE <= source.sizeBytes; ) {
    const header = source.read(at, BLOCK_SIZE);
    // blocks of zeros end the archive
    if (header.every((byte) => byte === 0)) break;
    if (++count > LIMIT.members) throw corrupt('archive', `it has more than ${LIMIT.members} members`, at);
    const { type, ...member } = readHeader(header, at, extension);
    const end = member.offset + member.sizeBytes;
    if (end > source.sizeBytes) {
      const state = `${quote(member.name)} ends at ${hex(end)}, past the end at ${hex(source.sizeBytes)}`;
      throw corrupt('archive', state, at);
    }
    if (type === TYPE.pax || type === TYPE.longName) {
      extension = { ...extension, ...readExtension(source, member, type) };
    } else {
      if (TYPE.files.some((file) => file === type) || type === TYPE.sparse) addMember(members, member, at);
      extension = {};
    }
    at = Math.ceil(end / BLOCK_SIZE) * BLOCK_SIZE;
  }
  return members;
}

/** What a member before says of the next one. */
interface Extension {
  readonly name?: string;
  readonly sizeBytes?: number;
  readonly isSparse?: boolean;
  /** In its own header a sparse file has another name. */
  readonly sparseName?: string;
}

function readHeader(header: Uint8Array, at: number, extension: Extension): TarMember & { readonly type: string } {
  verifyChecksum(header, at);
  const type = text(header, ...FIELD.type);
  const isExtension = type === TYPE.pax || type === TYPE.longName;
  const own = isExtension ? {} : extension;
  return {
    type,
    name: plain(own.sparseName ?? own.name ?? nameOf(header)),
    offset: at + BLOCK_SIZE,
    sizeBytes: own.sizeBytes ?? readSize(header, at),
    isSparse: own.isSparse === true || type === TYPE.sparse,
  };
}

function verifyChecksum(header: Uint8Array, at: number): void {
  const [start, length] = FIELD.checksum;
  const stored = Number.parseInt(text(header, start, length).trim(), 8);
  const sum = header.reduce((total, byte, index) => {
    // the checksum itself counts as blanks
    return total + (index >= start && index < start + length ? 0x20 : byte);
  }, 0);
  if (stored !== sum) throw corrupt('tar header', `checksum is ${stored}, its bytes add up to ${sum}`, at);
}

function nameOf(header: Uint8Array): string {
  const name = text(header, ...FIELD.name);
  const isPosix = text(header, ...FIELD.version) === POSIX_VERSION;
  const prefix = isPosix ? text(header, ...FIELD.prefix) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** Octal text, or, what GNU does for 8 GiB and more, a number of 95 bits behind a set bit. */
function readSize(header: Uint8Array, at: number): number {
  const [start, length] = FIELD.size;
  const field = header.subarray(start, start + length);
  const first = field[0] ?? 0;
  if ((first & 0x80) !== 0) {
    const size = field.subarray(1).reduce((value, byte) => value * 256 + byte, first & 0x7f);
    if (Number.isSafeInteger(size)) return size;
    throw corrupt('tar header', 'size is above 2^53', at + start);
  }
  const digits = text(header, start, length).trim();
  if (/^[0-7]*$/.test(digits)) return Number.parseInt(`0${digits}`, 8);
  throw corrupt('tar header', `size is ${quote(digits)}, expected an octal number`, at + start);
}

function readExtension(source: ByteSource, { offset, sizeBytes }: TarMember, type: string): Extension {
  if (sizeBytes > LIMIT.extensionBytes) {
    throw corrupt(
      'tar header',
      `extended header has ${sizeBytes} bytes, expected at most ${LIMIT.extensionBytes}`,
      offset,
    );
  }
  const bytes = source.read(offset, sizeBytes);
  return type === TYPE.longName ? { name: text(bytes, 0, sizeBytes) } : readPax(bytes, offset);
}

/** Records such as `27 path=a-very-long-name.vmdk` and a line feed, the length that of the whole record. */
function readPax(bytes: Uint8Array, offset: number): Extension {
  let extension: Extension = {};
  for (let at = 0; at < bytes.length; ) {
    const record = /^([1-9]\d{0,5}) ([^=\0]+)=/.exec(Buffer.from(bytes.subarray(at, at + 128)).toString('latin1'));
    const length = Number(record?.[1]);
    if (record === null || at + length > bytes.length || length <= record[0].length) {
      throw corrupt('tar header', 'extended header is not made of records', offset + at);
    }
    const value = Buffer.from(bytes.subarray(at + record[0].length, at + length - 1)).toString();
    extension = { ...extension, ...paxField(record[2] ?? '', value, offset + at) };
    at += length;
  }
  return extension;
}

function paxField(key: string, value: string, at: number): Extension {
  if (key === 'path') return { name: value };
  if (key === 'GNU.sparse.name') return { sparseName: value, isSparse: true };
  if (key.startsWith('GNU.sparse.')) return { isSparse: true };
  if (key !== 'size') return {};
  if (/^\d{1,15}$/.test(value)) return { sizeBytes: Number(value) };
  throw corrupt('tar header', `size is ${quote(value)}, expected a number`, at);
}

function addMember(members: Map<string, TarMember>, member: TarMember, at: number): void {
  // tar would keep the last, others the first: two readers would see two disks
  if (members.has(member.name)) throw corrupt('archive', `it holds ${quote(member.name)} twice`, at);
  members.set(member.name, member);
}

function plain(name: string): string {
  return name.replace(/^(\.\/)+/, '');
}

function text(bytes: Uint8Array, at: number, length: number): string {
  const field = Buffer.from(bytes.subarray(at, at + length));
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? field.length : end);
}
