import { createHash } from 'node:crypto';
import { readFields } from '../../fields.ts';
import { readGuid } from '../../guid.ts';
import { type Entry, findValue, readEntries } from './entries.ts';
import {
  EXTERNAL_KEY_PROPERTIES_AT,
  KEY_DATA_AT,
  METADATA_HEADER,
  METADATA_HEADER_SIZE,
  VALUE_TYPE,
} from './layout.ts';

/** A key from a startup key file (`.BEK`), and which of the volume's it opens. */
export interface ExternalKey {
  readonly id: string;
  readonly key: Uint8Array;
}

/** What the bytes that a caller gave may stand for. Each is `undefined` where they cannot. */
export interface Secret {
  /** First digests, to be stretched. */
  readonly password: Uint8Array | undefined;
  readonly recoveryKey: Uint8Array | undefined;
  readonly externalKey: ExternalKey | undefined;
}

export function readSecret(bytes: Uint8Array): Secret {
  const text = textOf(bytes);
  const recovery = text === undefined ? undefined : recoveryBytes(text);
  return {
    password: text === undefined ? undefined : sha256(sha256(Buffer.from(text, 'utf16le'))),
    recoveryKey: recovery === undefined ? undefined : sha256(recovery),
    externalKey: readExternalKey(bytes),
  };
}

/** The longest password that Windows takes has 256 characters. */
const MOST_TEXT_BYTES = 1024;

/** A file that Windows wrote may end its line with a carriage return. */
function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.length > MOST_TEXT_BYTES) return undefined;
  const text = new TextDecoder('utf-8').decode(bytes);
  return text.includes('\ufffd') ? undefined : text.replace(/[\r\n]+$/, '');
}

const RECOVERY_KEY = /^\d{6}(?:-\d{6}){7}$/;
const RECOVERY_DIVISOR = 11;

/** Eight groups of six digits, each eleven times a number of 16 bits. */
function recoveryBytes(text: string): Uint8Array | undefined {
  if (!RECOVERY_KEY.test(text.trim())) return undefined;
  const numbers = text
    .trim()
    .split('-')
    .map((group) => Number(group) / RECOVERY_DIVISOR);
  if (!numbers.every((number) => Number.isInteger(number) && number < 2 ** 16)) return undefined;
  const bytes = Buffer.alloc(16);
  for (const [index, number] of numbers.entries()) bytes.writeUInt16LE(number, index * 2);
  return bytes;
}

function readExternalKey(bytes: Uint8Array): ExternalKey | undefined {
  if (bytes.length < METADATA_HEADER_SIZE || bytes.length > MOST_TEXT_BYTES) return undefined;
  const { size, version, headerSize } = readFields(bytes, METADATA_HEADER);
  if (size !== bytes.length || version !== 1 || headerSize !== METADATA_HEADER_SIZE) return undefined;
  const external = findValue(readEntries(bytes.subarray(METADATA_HEADER_SIZE), 0), VALUE_TYPE.externalKey);
  if (external === undefined || external.length < EXTERNAL_KEY_PROPERTIES_AT) return undefined;
  const key = plainKey(readEntries(external.subarray(EXTERNAL_KEY_PROPERTIES_AT), 0));
  return key === undefined ? undefined : { id: readGuid(external), key };
}

/** A key that lies there as it is. */
export function plainKey(entries: readonly Entry[]): Uint8Array | undefined {
  return findValue(entries, VALUE_TYPE.key)?.subarray(KEY_DATA_AT);
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}
