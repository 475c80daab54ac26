// Builds members of arrays by hand: without md in the kernel no tool writes them.

export const CHUNK = 64 * 1024;
/** Of each member. */
export const DATA_BYTES = 512 * 1024;
const DATA_OFFSET = 128 * 1024;
export const MEMBER_BYTES = DATA_OFFSET + DATA_BYTES + 128 * 1024;
const SET_UUID = Buffer.from('00112233445566778899aabbccddeeff', 'hex');

export interface Member {
  readonly level: number;
  readonly layout?: number;
  readonly members: number;
  readonly place: number;
  readonly events?: number;
  readonly version?: '0.90' | '1.0' | '1.1' | '1.2';
  readonly features?: number;
  /** What the array says to use of each member; all its data when left out. */
  readonly usedBytes?: number;
  /** Role of the member; its place when left out. */
  readonly role?: number;
}

const SUPER_OFFSETS = { '1.0': MEMBER_BYTES - 8192, '1.1': 0, '1.2': 4096 } as const;

/** A member with data and superblock. Of version 0.90 the data starts at the front. */
export function member(data: Uint8Array, plan: Member): Buffer {
  const bytes = Buffer.alloc(MEMBER_BYTES);
  if (plan.version === '0.90') {
    bytes.set(data, 0);
    writeVersion0(bytes, plan);
  } else {
    bytes.set(data, DATA_OFFSET);
    writeVersion1(bytes, plan);
  }
  return bytes;
}

function writeVersion1(bytes: Buffer, { version = '1.2', ...plan }: Member): void {
  const at = SUPER_OFFSETS[version as keyof typeof SUPER_OFFSETS];
  const block = bytes.subarray(at, at + 256 + 2 * 64);
  block.writeUInt32LE(0xa92b4efc, 0);
  block.writeUInt32LE(1, 4);
  block.writeUInt32LE(plan.features ?? 0, 8);
  SET_UUID.copy(block, 16);
  block.write('host:array', 32);
  block.writeInt32LE(plan.level, 72);
  block.writeUInt32LE(plan.layout ?? 0, 76);
  block.writeBigUInt64LE(BigInt((plan.usedBytes ?? DATA_BYTES) / 512), 80);
  block.writeUInt32LE(CHUNK / 512, 88);
  block.writeUInt32LE(plan.members, 92);
  block.writeBigUInt64LE(BigInt(DATA_OFFSET / 512), 128);
  block.writeBigUInt64LE(BigInt(DATA_BYTES / 512), 136);
  block.writeBigUInt64LE(BigInt(at / 512), 144);
  block.writeUInt32LE(plan.place, 160);
  block.writeBigUInt64LE(BigInt(plan.events ?? 10), 200);
  block.writeUInt32LE(64, 220);
  for (let device = 0; device < 64; device++) {
    const role = device === plan.place ? (plan.role ?? plan.place) : device < plan.members ? device : 0xffff;
    block.writeUInt16LE(role, 256 + 2 * device);
  }
  block.writeUInt32LE(sumOfWords(block), 216);
}

function writeVersion0(bytes: Buffer, plan: Member): void {
  const at = Math.floor(MEMBER_BYTES / 65536) * 65536 - 65536;
  const block = bytes.subarray(at, at + 4096);
  const words: Readonly<Record<number, number>> = {
    0: 0xa92b4efc,
    1: 0,
    2: 90,
    5: SET_UUID.readUInt32LE(0),
    7: plan.level,
    8: DATA_BYTES / 1024,
    9: plan.members,
    10: plan.members,
    13: SET_UUID.readUInt32LE(4),
    14: SET_UUID.readUInt32LE(8),
    15: SET_UUID.readUInt32LE(12),
    33: 1,
    34: plan.members,
    35: plan.members,
    39: plan.events ?? 10,
    64: plan.layout ?? 0,
    65: CHUNK,
    992: plan.place,
    995: plan.place,
    996: 0b110,
  };
  for (const [word, value] of Object.entries(words)) block.writeUInt32LE(value >>> 0, Number(word) * 4);
  block.writeUInt32LE(sumOfWords(block), 152);
}

/** The checksum of a superblock whose field for it is zero. */
export function sumOfWords(block: Buffer): number {
  let sum = 0n;
  for (let at = 0; at < block.length; at += 4) sum += BigInt(block.readUInt32LE(at));
  return Number(((sum & 0xffffffffn) + (sum >> 32n)) & 0xffffffffn);
}
