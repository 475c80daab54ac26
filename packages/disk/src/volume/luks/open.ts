import { DiskError } from '../../error.ts';
import { readFields } from '../../fields.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { Unlocking } from '../unlocking.ts';
import { createSectorCipher } from './cipher.ts';
import { DecryptedSource } from './decrypted-source.ts';
import { unsupported } from './error.ts';
import { type LuksHeader, type LuksPayload, unlock } from './key-slot.ts';
import { LUKS_VERSION } from './layout.ts';
import { type Luks1Options, readLuks1Header } from './luks1.ts';
import { readLuks2Header } from './luks2.ts';

/**
 * Opens a LUKS volume with the first of the passphrases (or contents of key files) that fits.
 * @throws DiskError `encrypted` when none does, `unsupported` for ciphers and features that are not known here
 */
export function openLuks(source: ByteSource, unlocking: Unlocking): ByteSource {
  const header = readLuksHeader(source);
  return decryptPayload(source, header.payload, unlockWith(source, header, unlocking));
}

/** The plain text of a volume whose key is known. */
export function decryptPayload(source: ByteSource, payload: LuksPayload, key: Uint8Array): ByteSource {
  const cipher = createSectorCipher({ name: payload.cipher, key, sectorBytes: payload.sectorBytes });
  return new DecryptedSource(source, payload, cipher);
}

/** @throws DiskError `encrypted` when no passphrase fits */
export function unlockWith(source: ByteSource, header: LuksHeader, unlocking: Unlocking): Uint8Array {
  const key = unlock(source, header, unlocking);
  if (key !== undefined) return key;
  const count = header.slots.length;
  const state = unlocking.passphrases.length === 0 ? 'expected a passphrase' : 'no passphrase fits';
  throw new DiskError('encrypted', `Cannot open LUKS volume: ${state} for any of its ${count} key slots`, {
    format: 'luks',
    offset: 0,
  });
}

/** @throws DiskError `unsupported` for a version that is not known here */
export function readLuksHeader(source: ByteSource, options: Luks1Options = {}): LuksHeader {
  const { version } = readFields(source.read(0, 8), LUKS_VERSION, { format: 'luks', offset: 0 });
  if (version === 1) return readLuks1Header(source, options);
  if (version === 2) return readLuks2Header(source);
  throw unsupported('volume', `its version is ${version}, expected 1 or 2`, 6);
}
