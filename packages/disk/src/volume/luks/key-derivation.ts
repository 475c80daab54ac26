import { argon2Sync, createHash, getHashes, pbkdf2Sync } from 'node:crypto';
import { quote } from '../../quote.ts';
import type { KeyWork } from '../unlocking.ts';
import { corrupt, unsupported } from './error.ts';
import { LIMIT } from './layout.ts';

/** How a passphrase becomes a key. Memory in KiB. */
export type KeyDerivation =
  | { readonly type: 'pbkdf2'; readonly hash: string; readonly iterations: number; readonly salt: Uint8Array }
  | {
      readonly type: 'argon2i' | 'argon2id';
      readonly passes: number;
      readonly memoryKib: number;
      readonly lanes: number;
      readonly salt: Uint8Array;
    };

/** @throws DiskError `unsupported` where it would take more time or memory than any writer asks for */
export function deriveKey(
  derivation: KeyDerivation,
  {
    passphrase,
    keyBytes,
    work,
  }: { readonly passphrase: Uint8Array; readonly keyBytes: number; readonly work: KeyWork },
): Uint8Array {
  if (derivation.type === 'pbkdf2') {
    const { hash, iterations, salt } = derivation;
    bound('PBKDF2 iterations', iterations, Number.MAX_SAFE_INTEGER);
    const blocks = Math.ceil(keyBytes / hashBytes(hash));
    work.spend(iterations * blocks, `a LUKS key by ${iterations} PBKDF2 iterations`, 'luks');
    return pbkdf2Sync(passphrase, salt, iterations, keyBytes, hash);
  }
  const { type, passes, memoryKib, lanes, salt } = derivation;
  bound('Argon2 memory in KiB', memoryKib, LIMIT.argon2MemoryKib);
  bound('Argon2 passes', passes, Number.MAX_SAFE_INTEGER);
  bound('Argon2 lanes', lanes, LIMIT.argon2Lanes);
  if (salt.length < 8 || memoryKib < 8 * lanes) {
    throw corrupt('key slot', `Argon2 has ${memoryKib} KiB and a salt of ${salt.length} bytes, which is too little`, 0);
  }
  work.spend(passes * memoryKib, `a LUKS key by ${passes} Argon2 passes over ${memoryKib} KiB`, 'luks');
  const message = { message: passphrase, nonce: salt, parallelism: lanes, tagLength: keyBytes };
  return argon2Sync(type, { ...message, memory: memoryKib, passes });
}

function hashBytes(hash: string): number {
  return createHash(hash).digest().length;
}

/** The name of a hash as OpenSSL has it. @throws DiskError `unsupported` */
export function knownHash(name: string): string {
  const lower = name.toLowerCase();
  if (KNOWN_HASHES.has(lower)) return lower;
  throw unsupported('volume', `its hash is ${quote(name)}, which is not known here`, 0);
}

const KNOWN_HASHES: ReadonlySet<string> = new Set(
  getHashes().filter((name) => /^(?:sha\d|sha3-|ripemd160$|blake2|sm3$)/.test(name)),
);

function bound(what: string, value: number, most: number): void {
  if (value >= 1 && value <= most) return;
  throw unsupported('key slot', `${what} are ${value}, expected 1 to ${most}`, 0);
}
