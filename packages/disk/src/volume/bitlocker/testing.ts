import { createCipheriv, createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { stretchKey } from './stretch-key.ts';

// Writes BitLocker volumes, as the format is documented: no tool outside of Windows does. Keys and nonces are fixed.

export interface VolumePlan {
  readonly plain: Uint8Array;
  readonly method: number;
  readonly protectors: readonly ProtectorPlan[];
  readonly version?: 1 | 2;
  /** With the header of BitLocker To Go. */
  readonly isToGo?: boolean;
  readonly sectorBytes?: number;
  /** Where encryption ended, when it was paused. */
  readonly encryptedBytes?: number;
  readonly state?: number;
}

export type ProtectorPlan =
  | { readonly kind: 'clear key' | 'startup key' | 'TPM' }
  | { readonly kind: 'password' | 'recovery key'; readonly text: string };

export interface BuiltVolume {
  readonly bytes: Buffer;
  /** What a reader sees: the plain text, and zeros where the metadata lies. */
  readonly expected: Buffer;
  readonly areas: readonly number[];
}

export const STARTUP_KEY_ID = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
export const VOLUME_GUID = 'a3a2a1a0-b1b0-c1c0-d0d1-e0e1e2e3e4e5';
const GUID_BYTES = Buffer.from('a0a1a2a3b0b1c0c1d0d1e0e1e2e3e4e5', 'hex');
const BITLOCKER_ID = Buffer.from('3bd66749292ed84a8399f6a339e3d001', 'hex');
const MASTER_KEY = Buffer.alloc(32, 0x4d);
const CLEAR_KEY = Buffer.alloc(32, 0x43);
const STARTUP_KEY = Buffer.alloc(32, 0x53);
const SALT = Buffer.from('0123456789abcdef');
const HEADER_SECTORS = 16;

export function buildBitlocker(plan: VolumePlan): BuiltVolume {
  const { plain, method, version = 2, sectorBytes = 512, encryptedBytes = plain.length } = plan;
  const room = version === 1 ? 16 * 1024 : 64 * 1024;
  const quarter = Math.floor(plain.length / 4 / 4096) * 4096;
  const areas = [quarter, 2 * quarter, 3 * quarter];
  const key = Buffer.from(Array.from({ length: 64 }, (_, index) => index * 3 + 1));
  const encrypt = sectorEncryption(method, key, sectorBytes);
  const bytes = Buffer.concat([
    ...sectorsOf(plain, sectorBytes).map((sector, n) =>
      n * sectorBytes < encryptedBytes ? encrypt(sector, n * sectorBytes) : sector,
    ),
  ]);
  const expected = Buffer.from(plain);
  const headerAt = quarter - HEADER_SECTORS * sectorBytes;
  const headerBytes = HEADER_SECTORS * sectorBytes;
  const start = Buffer.from(plain.subarray(0, headerBytes));
  if (version === 2) {
    sectorsOf(start, sectorBytes).forEach((sector, n) => {
      encrypt(sector, headerAt + n * sectorBytes).copy(bytes, headerAt + n * sectorBytes);
    });
    expected.fill(0, headerAt, headerAt + headerBytes);
    bytes.fill(0, 0, headerBytes);
    writeVolumeHeader(bytes, plan, areas);
  } else {
    start.copy(bytes);
    writeVistaHeader(bytes, areas[0] ?? 0);
  }
  const metadata = metadataBlock(plan, { areas, headerAt, headerBytes, key, encryptedBytes });
  for (const at of areas) {
    bytes.fill(0, at, at + room);
    expected.fill(0, at, at + room);
    metadata.copy(bytes, at);
  }
  return { bytes, expected, areas };
}

/** The content of a startup key file. */
export function startupKeyFile(): Buffer {
  const key = entry(0, 1, Buffer.concat([word(0x2002), STARTUP_KEY]));
  const external = entry(6, 9, Buffer.concat([STARTUP_KEY_ID, Buffer.alloc(8), key]));
  return Buffer.concat([metadataHeader(external.length, 0), external]);
}

/** Seals the copy of the metadata at an offset after it was changed. */
export function sealMetadata(bytes: Buffer, at: number): void {
  const size = bytes.readUInt16LE(at + 8) * (bytes.readUInt16LE(at + 10) === 1 ? 1 : 16);
  bytes.writeUInt32LE(crc32(bytes.subarray(at, at + size)), at + size + 4);
}

/**
 * Makes right again what vouches for the metadata at an offset, after any change: the tags of the keys, as who knows the keys could,
 * and the checksum. @returns the block as it is to be; `undefined` when it does not fit
 */
export function resealedBlock(bytes: Buffer, at: number): Buffer | undefined {
  const size = bytes.readUInt16LE(at + 8) * (bytes.readUInt16LE(at + 10) === 1 ? 1 : 16);
  if (size < BLOCK_BYTES || at + size + 8 > bytes.length) return undefined;
  const block = Buffer.from(bytes.subarray(at, at + size + 8));
  for (const { type, valueType, value } of entriesOf(block.subarray(BLOCK_BYTES, size))) {
    if (type === 3 && valueType === 5) sealTag(value, MASTER_KEY);
    if (type === 2 && valueType === 8 && value.length >= 28) sealMasterKey(value);
  }
  sealMetadata(block, 0);
  return block;
}

/** The headers of the block and of the metadata. */
const BLOCK_BYTES = 64 + 48;

const PROTECTIONS = {
  'clear key': 0,
  TPM: 0x100,
  'startup key': 0x200,
  'recovery key': 0x800,
  password: 0x2000,
} as const;

const KEYS_OF_PROTECTORS: ReadonlyMap<number, Buffer> = new Map([
  [PROTECTIONS['clear key'], CLEAR_KEY],
  [PROTECTIONS['startup key'], STARTUP_KEY],
]);

/** The copy of the master key that a protector keeps; what is stretched first would take too long. */
function sealMasterKey(protector: Buffer): void {
  const key = KEYS_OF_PROTECTORS.get(protector.readUInt16LE(26));
  if (key === undefined) return;
  for (const { valueType, value } of entriesOf(protector.subarray(28))) if (valueType === 5) sealTag(value, key);
}

function* entriesOf(bytes: Buffer) {
  for (let at = 0; at + 8 <= bytes.length; ) {
    const size = bytes.readUInt16LE(at);
    if (size < 8 || at + size > bytes.length) return;
    yield {
      type: bytes.readUInt16LE(at + 2),
      valueType: bytes.readUInt16LE(at + 4),
      value: bytes.subarray(at + 8, at + size),
    };
    at += size;
  }
}

/** Whatever the text is now, its tag fits. */
function sealTag(value: Buffer, key: Buffer): void {
  if (value.length <= 28) return;
  const nonce = value.subarray(0, 12);
  // CCM with a nonce of 12 bytes: the text is encrypted from block 1 on, with a counter of 3 bytes
  const counter = Buffer.concat([Buffer.of(2), nonce, Buffer.of(0, 0, 1)]);
  const text = run(createCipheriv('aes-256-ctr', key, counter), value.subarray(28));
  const cipher = createCipheriv('aes-256-ccm', key, nonce, { authTagLength: 16 });
  cipher.update(text);
  cipher.final();
  cipher.getAuthTag().copy(value, 12);
}

function sectorsOf(bytes: Uint8Array, sectorBytes: number): readonly Buffer[] {
  return Array.from({ length: bytes.length / sectorBytes }, (_, n) =>
    Buffer.from(bytes.subarray(n * sectorBytes, (n + 1) * sectorBytes)),
  );
}

function writeVolumeHeader(bytes: Buffer, { isToGo = false, sectorBytes = 512 }: VolumePlan, areas: readonly number[]) {
  bytes.write('eb5890', 'hex');
  bytes.write(isToGo ? 'MSWIN4.1' : '-FVE-FS-', 3, 'latin1');
  bytes.writeUInt16LE(sectorBytes, 11);
  bytes.writeUInt8(8, 13);
  bytes.writeUInt32LE(bytes.length / sectorBytes, 32);
  const at = isToGo ? 424 : 160;
  BITLOCKER_ID.copy(bytes, at);
  for (const [index, area] of areas.entries()) bytes.writeBigUInt64LE(BigInt(area), at + 16 + index * 8);
  bytes.writeUInt16LE(0xaa55, 510);
}

/** The start of an NTFS, in which two fields were exchanged. */
function writeVistaHeader(bytes: Buffer, area: number): void {
  bytes.write('-FVE-FS-', 3, 'latin1');
  bytes.writeBigUInt64LE(BigInt(area / (bytes.readUInt16LE(11) * bytes.readUInt8(13))), 56);
}

interface Places {
  readonly areas: readonly number[];
  readonly headerAt: number;
  readonly headerBytes: number;
  readonly key: Buffer;
  readonly encryptedBytes: number;
}

function metadataBlock(plan: VolumePlan, { areas, headerAt, headerBytes, key, encryptedBytes }: Places): Buffer {
  const { plain, method, version = 2, state = encryptedBytes < plain.length ? 5 : 4 } = plan;
  const entries = Buffer.concat([
    ...plan.protectors.map(masterKeyEntry),
    entry(3, 5, encrypted(keyDatum(method, key.subarray(0, keyBytesOf(method))), MASTER_KEY, 99)),
    ...(version === 2 ? [entry(15, 15, Buffer.concat([long(headerAt), long(headerBytes)]))] : []),
  ]);
  const size = Math.ceil((64 + 48 + entries.length) / 16) * 16;
  const block = Buffer.alloc(size + 8);
  block.write('-FVE-FS-', 'latin1');
  block.writeUInt16LE(version === 1 ? size : size / 16, 8);
  block.writeUInt16LE(version, 10);
  block.writeUInt16LE(state, 12);
  block.writeUInt16LE(4, 14);
  block.writeBigUInt64LE(BigInt(encryptedBytes), 16);
  if (version === 2) block.writeUInt32LE(HEADER_SECTORS, 28);
  for (const [index, area] of areas.entries()) block.writeBigUInt64LE(BigInt(area), 32 + index * 8);
  const mftCopy = version === 1 ? Buffer.from(plain).readBigUInt64LE(56) : BigInt(headerAt);
  block.writeBigUInt64LE(mftCopy, 56);
  Buffer.concat([metadataHeader(entries.length, method), entries]).copy(block, 64);
  block.writeUInt16LE(8, size);
  block.writeUInt16LE(version, size + 2);
  block.writeUInt32LE(crc32(block.subarray(0, size)), size + 4);
  return block;
}

function metadataHeader(entriesBytes: number, method: number): Buffer {
  const size = 48 + entriesBytes;
  return Buffer.concat([word(size), word(1), word(48), word(size), GUID_BYTES, word(100), word(method), long(0)]);
}

function masterKeyEntry(plan: ProtectorPlan, index: number): Buffer {
  const id = plan.kind === 'startup key' ? STARTUP_KEY_ID : Buffer.alloc(16, index + 1);
  const kind = Buffer.alloc(4);
  kind.writeUInt16LE(PROTECTIONS[plan.kind], 2);
  const { key, properties } = protection(plan);
  const wrapped = entry(0, 5, encrypted(keyDatum(0x2003, MASTER_KEY), key, index + 1));
  return entry(2, 8, Buffer.concat([id, long(0), kind, ...properties, wrapped]));
}

function protection(plan: ProtectorPlan): { readonly key: Buffer; readonly properties: readonly Buffer[] } {
  if (plan.kind === 'clear key') return { key: CLEAR_KEY, properties: [keyDatum(0x2002, CLEAR_KEY)] };
  if (!('text' in plan)) return { key: STARTUP_KEY, properties: [] };
  const initial =
    plan.kind === 'password' ? sha256(sha256(Buffer.from(plan.text, 'utf16le'))) : recoveryDigest(plan.text);
  const key = stretched(initial);
  // readers of others look for a nested key, which is a copy of this one
  const nested = entry(0, 5, encrypted(keyDatum(0x2003, key), MASTER_KEY, 50));
  return { key, properties: [entry(0, 3, Buffer.concat([word(0x1000), SALT, nested]))] };
}

/** Tests use the same few passwords. */
const STRETCHED = new Map<string, Buffer>();

function stretched(initial: Buffer): Buffer {
  const known = STRETCHED.get(initial.toString('hex')) ?? Buffer.from(stretchKey(initial, SALT));
  STRETCHED.set(initial.toString('hex'), known);
  return known;
}

function recoveryDigest(text: string): Buffer {
  const bytes = Buffer.alloc(16);
  for (const [index, group] of text.split('-').entries()) bytes.writeUInt16LE(Number(group) / 11, index * 2);
  return sha256(bytes);
}

function keyDatum(method: number, key: Buffer): Buffer {
  return entry(0, 1, Buffer.concat([word(method), key]));
}

function entry(type: number, valueType: number, value: Buffer): Buffer {
  const header = Buffer.alloc(8);
  for (const [index, field] of [8 + value.length, type, valueType, 1].entries()) header.writeUInt16LE(field, index * 2);
  return Buffer.concat([header, value]);
}

function encrypted(datum: Buffer, key: Buffer, count: number): Buffer {
  const nonce = Buffer.concat([long(count), word(count)]);
  const cipher = createCipheriv('aes-256-ccm', key, nonce, { authTagLength: 16 });
  const text = Buffer.concat([cipher.update(datum), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function long(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

const KEY_BYTES: Readonly<Record<number, number>> = { 32770: 16, 32771: 32, 32772: 32, 32773: 64 };

/** With the diffuser, always two halves of 32 bytes. */
function keyBytesOf(method: number): number {
  return KEY_BYTES[method] ?? 64;
}

type SectorEncryption = (sector: Buffer, offset: number) => Buffer;

function sectorEncryption(method: number, key: Buffer, sectorBytes: number): SectorEncryption {
  if (method === 0x8004 || method === 0x8005) {
    const bytes = keyBytesOf(method);
    return (sector, offset) => {
      const tweak = Buffer.concat([long(offset / sectorBytes), long(0)]);
      return run(createCipheriv(bytes === 32 ? 'aes-128-xts' : 'aes-256-xts', key.subarray(0, bytes), tweak), sector);
    };
  }
  const bytes = method === 0x8000 || method === 0x8002 ? 16 : 32;
  const cbc: SectorEncryption = (sector, offset) => {
    const vector = ecb(key.subarray(0, bytes), Buffer.concat([long(offset), long(0)]));
    return run(createCipheriv(`aes-${bytes * 8}-cbc`, key.subarray(0, bytes), vector).setAutoPadding(false), sector);
  };
  if (method === 0x8002 || method === 0x8003) return cbc;
  return (sector, offset) => cbc(diffused(sector, sectorKey(key.subarray(32, 32 + bytes), offset)), offset);
}

function run(cipher: ReturnType<typeof createCipheriv>, bytes: Buffer): Buffer {
  return Buffer.concat([cipher.update(bytes), cipher.final()]);
}

function ecb(key: Buffer, block: Buffer): Buffer {
  return run(createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false), block);
}

function sectorKey(key: Buffer, offset: number): Buffer {
  const second = Buffer.concat([long(offset), long(0)]);
  second[15] = 0x80;
  return Buffer.concat([ecb(key, Buffer.concat([long(offset), long(0)])), ecb(key, second)]);
}

/** Masked, then the diffusers A and B: each step subtracts what undoing it adds, from the last word to the first. */
function diffused(sector: Buffer, key: Buffer): Buffer {
  const masked = Buffer.from(sector.map((byte, at) => byte ^ (key[at % 32] ?? 0)));
  const n = masked.length / 4;
  const word32 = (at: number) => masked.readInt32LE(((at + n) % n) * 4);
  const subtract = (i: number, near: number, far: number, bits: number) => {
    const turned = (word32(far) << bits) | (word32(far) >>> (32 - bits));
    masked.writeInt32LE((word32(i) - (word32(near) ^ turned)) | 0, i * 4);
  };
  for (let cycle = 0; cycle < 5; cycle++) {
    for (let i = n - 1; i >= 0; i--) subtract(i, i - 2, i - 5, [9, 0, 13, 0][i % 4] ?? 0);
  }
  for (let cycle = 0; cycle < 3; cycle++) {
    for (let i = n - 1; i >= 0; i--) subtract(i, i + 2, i + 5, [0, 10, 0, 25][i % 4] ?? 0);
  }
  return masked;
}
