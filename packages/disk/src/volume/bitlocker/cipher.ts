import { createSectorCipher, type SectorCipher } from '../luks/cipher.ts';
import { ElephantCipher } from './elephant.ts';
import { corrupt, unsupported } from './error.ts';
import type { VolumeKey } from './unlock.ts';

interface Method {
  readonly cipher: string;
  readonly keyBytes: number;
  /** Of the diffuser, where there is one: in the second half of a key of 64 bytes. */
  readonly hasDiffuser?: true;
}

const METHODS: ReadonlyMap<number, Method> = new Map([
  [0x8000, { cipher: 'aes-cbc-eboiv', keyBytes: 16, hasDiffuser: true }],
  [0x8001, { cipher: 'aes-cbc-eboiv', keyBytes: 32, hasDiffuser: true }],
  [0x8002, { cipher: 'aes-cbc-eboiv', keyBytes: 16 }],
  [0x8003, { cipher: 'aes-cbc-eboiv', keyBytes: 32 }],
  [0x8004, { cipher: 'aes-xts-plain64', keyBytes: 32 }],
  [0x8005, { cipher: 'aes-xts-plain64', keyBytes: 64 }],
]);

const DIFFUSER_KEY_AT = 32;

/** What decrypts the sectors of a volume. @throws DiskError `unsupported` for a method that is not known here */
export function createVolumeCipher({ method, key }: VolumeKey, sectorBytes: number): SectorCipher {
  const known = METHODS.get(method);
  if (known === undefined)
    throw unsupported(`its encryption method is 0x${method.toString(16)}, which is not known`, 0);
  const { cipher, keyBytes, hasDiffuser } = known;
  const least = hasDiffuser ? DIFFUSER_KEY_AT + keyBytes : keyBytes;
  if (key.length < least) throw corrupt('metadata', `its key has ${key.length} bytes, expected ${least}`, 0);
  const sectors = createSectorCipher({
    name: cipher,
    key: key.subarray(0, keyBytes),
    sectorBytes,
    numbersWholeSectors: true,
  });
  if (!hasDiffuser) return sectors;
  return new ElephantCipher(sectors, key.subarray(DIFFUSER_KEY_AT, DIFFUSER_KEY_AT + keyBytes));
}
