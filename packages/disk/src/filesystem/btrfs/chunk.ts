import { type Fields, readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import { corrupt } from './error.ts';
import { has } from './features.ts';
import { CHUNK, CHUNK_SIZE, GROUP, STRIPE, STRIPE_LENGTH, STRIPE_SIZE } from './layout.ts';

/** Where a share of a chunk begins on a device. */
export interface Stripe {
  readonly device: number;
  readonly offset: number;
}

/** How a chunk is spread over its stripes. */
export interface Profile {
  readonly name: string;
  readonly bit: bigint;
  readonly leastStripes: number;
  readonly mostStripes: number;
  /** How many stripes hold the same bytes. */
  readonly copies: number;
  /** How many stripes of a row hold parity. */
  readonly parities: number;
}

const ANY = 0xffff;

/** Without a bit of any profile, a chunk is in one piece. */
const SINGLE: Profile = { name: 'single', bit: 0n, leastStripes: 1, mostStripes: 1, copies: 1, parities: 0 };
const PROFILES: readonly Profile[] = [
  { name: 'raid0', bit: GROUP.RAID0, leastStripes: 1, mostStripes: ANY, copies: 1, parities: 0 },
  { name: 'raid1', bit: GROUP.RAID1, leastStripes: 2, mostStripes: 2, copies: 2, parities: 0 },
  { name: 'dup', bit: GROUP.DUP, leastStripes: 2, mostStripes: 2, copies: 2, parities: 0 },
  { name: 'raid10', bit: GROUP.RAID10, leastStripes: 2, mostStripes: ANY, copies: 2, parities: 0 },
  { name: 'raid5', bit: GROUP.RAID5, leastStripes: 2, mostStripes: ANY, copies: 1, parities: 1 },
  { name: 'raid6', bit: GROUP.RAID6, leastStripes: 3, mostStripes: ANY, copies: 1, parities: 2 },
  { name: 'raid1c3', bit: GROUP.RAID1C3, leastStripes: 3, mostStripes: 3, copies: 3, parities: 0 },
  { name: 'raid1c4', bit: GROUP.RAID1C4, leastStripes: 4, mostStripes: 4, copies: 4, parities: 0 },
];

/** A run of addresses, and the stripes that it lies in. */
export interface Chunk {
  readonly start: number;
  readonly end: number;
  /** What is kept in it: bits of GROUP. */
  readonly type: bigint;
  readonly profile: Profile;
  readonly stripes: readonly Stripe[];
  /** What of each stripe belongs to the chunk. */
  readonly stripeBytes: number;
}

/** @param bytes an item of the chunk tree, `offset` where it is */
export function parseChunk(bytes: Uint8Array, start: number, { offset, sectorSize }: ChunkPlace): Chunk {
  const raw = readFields(bytes, CHUNK, { format: 'btrfs', offset });
  const bad = (state: string) => corrupt(`Cannot read chunk at ${hex(start)}: ${state}`, offset);
  const profile = profileOf(raw.type);
  if (profile === undefined) throw bad(`bad type ${hex(raw.type)}`);
  checkStripes(raw, profile, bad);
  if (CHUNK_SIZE + raw.num_stripes * STRIPE_SIZE > bytes.length) throw bad(`${raw.num_stripes} stripes do not fit`);
  const end = start + raw.length;
  const isAligned = start % sectorSize === 0 && raw.length % sectorSize === 0;
  if (start < 0 || raw.length === 0 || !isAligned || !Number.isSafeInteger(end)) {
    throw bad(`bad length ${hex(raw.length)}`);
  }
  const rowStripes = raw.num_stripes / profile.copies - profile.parities;
  const stripes = Array.from({ length: raw.num_stripes }, (_, index) => parseStripe(bytes, index, offset));
  return { start, end, type: raw.type, profile, stripes, stripeBytes: Math.ceil(raw.length / rowStripes) };
}

interface ChunkPlace {
  readonly offset: number;
  readonly sectorSize: number;
}

function profileOf(type: bigint): Profile | undefined {
  const [profile = SINGLE, ...others] = PROFILES.filter(({ bit }) => has(type, bit));
  return others.length === 0 && has(type, GROUP.DATA | GROUP.METADATA | GROUP.SYSTEM) ? profile : undefined;
}

function checkStripes(raw: Fields<typeof CHUNK>, profile: Profile, bad: (state: string) => Error): void {
  const { num_stripes: count, sub_stripes: copies, stripe_len: length } = raw;
  const isCountRight = count >= profile.leastStripes && count <= profile.mostStripes && count % profile.copies === 0;
  if (!isCountRight) throw bad(`${count} stripes in profile ${profile.name}`);
  if (profile.bit === GROUP.RAID10 && copies !== profile.copies) throw bad(`sub_stripes is ${copies}, expected 2`);
  if (length !== STRIPE_LENGTH) throw bad(`stripe_len is ${hex(length)}, expected ${hex(STRIPE_LENGTH)}`);
}

function parseStripe(bytes: Uint8Array, index: number, offset: number): Stripe {
  const at = CHUNK_SIZE + index * STRIPE_SIZE;
  const raw = readFields(bytes.subarray(at), STRIPE, { format: 'btrfs', offset: offset + at });
  return { device: raw.devid, offset: raw.offset };
}
