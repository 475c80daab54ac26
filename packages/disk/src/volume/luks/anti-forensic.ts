import { hash as digestOf } from 'node:crypto';

/** Merges a key that was split into stripes, so that none of them alone can give it away (LUKS1 specification, section 2.4). */
export function mergeStripes(material: Uint8Array, { keyBytes, stripes, hash }: Split): Uint8Array {
  let key = new Uint8Array(keyBytes);
  for (let stripe = 0; stripe < stripes; stripe++) {
    const mixed = mix(key, material.subarray(stripe * keyBytes, (stripe + 1) * keyBytes));
    key = stripe === stripes - 1 ? mixed : diffuse(mixed, hash);
  }
  return key;
}

export interface Split {
  readonly keyBytes: number;
  readonly stripes: number;
  readonly hash: string;
}

function mix(key: Uint8Array, stripe: Uint8Array): Uint8Array<ArrayBuffer> {
  return key.map((byte, index) => byte ^ (stripe[index] ?? 0)) as Uint8Array<ArrayBuffer>;
}

/** Each piece of the length of a digest is replaced by the hash of its number and itself. */
function diffuse(bytes: Uint8Array, hash: string): Uint8Array<ArrayBuffer> {
  const diffused = new Uint8Array(bytes.length);
  for (let at = 0, piece = 0; at < bytes.length; piece++) {
    const numbered = Buffer.alloc(4 + Math.min(digestLength(hash), bytes.length - at));
    numbered.writeUInt32BE(piece);
    numbered.set(bytes.subarray(at, at + numbered.length - 4), 4);
    diffused.set(digestOf(hash, numbered, 'buffer').subarray(0, numbered.length - 4), at);
    at += numbered.length - 4;
  }
  return diffused;
}

const lengths = new Map<string, number>();

function digestLength(hash: string): number {
  const known = lengths.get(hash) ?? digestOf(hash, '', 'buffer').length;
  lengths.set(hash, known);
  return known;
}
