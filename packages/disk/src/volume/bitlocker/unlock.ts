import { createDecipheriv } from 'node:crypto';
import { DiskError } from '../../error.ts';
import { readFields } from '../../fields.ts';
import { readGuid } from '../../guid.ts';
import type { KeyWork, Unlocking } from '../unlocking.ts';
import { type Entry, findValue, readEntries } from './entries.ts';
import { corrupt } from './error.ts';
import {
  ENTRY_TYPE,
  KEY_DATA_AT,
  MASTER_KEY,
  MASTER_KEY_BYTES,
  MASTER_KEY_PROPERTIES_AT,
  NONCE_BYTES,
  PROTECTION,
  PROTECTION_NAMES,
  STRETCH_ITERATIONS,
  STRETCH_SALT,
  TAG_BYTES,
  VALUE_TYPE,
} from './layout.ts';
import type { BitlockerMetadata } from './metadata.ts';
import { plainKey, readSecret, type Secret } from './secret.ts';
import { stretchKey } from './stretch-key.ts';

/** The key of the sectors, and how they are encrypted. */
export interface VolumeKey {
  readonly method: number;
  readonly key: Uint8Array;
}

/** One copy of the master key, encrypted with what only its owner knows. */
interface KeyProtector {
  readonly id: string;
  readonly protection: number;
  readonly properties: readonly Entry[];
}

/** @throws DiskError `encrypted` when no secret fits a protector */
export function unlock(metadata: BitlockerMetadata, unlocking: Unlocking): VolumeKey {
  const protectors = readProtectors(metadata);
  const masterKey = findMasterKey(protectors, unlocking);
  if (masterKey !== undefined) return readVolumeKey(metadata, masterKey);
  const names = protectors.map(({ protection }) => PROTECTION_NAMES.get(protection) ?? `protector ${protection}`);
  const state = unlocking.passphrases.length === 0 ? 'expected a key' : 'no key fits';
  throw new DiskError('encrypted', `Cannot open BitLocker volume: ${state}, it is protected by ${names.join(', ')}`, {
    format: 'bitlocker',
    offset: 0,
  });
}

function readProtectors({ entries }: BitlockerMetadata): readonly KeyProtector[] {
  return entries
    .filter(({ type, valueType }) => type === ENTRY_TYPE.volumeMasterKey && valueType === VALUE_TYPE.volumeMasterKey)
    .map(({ value }) => ({
      id: readGuid(value),
      protection: readFields(value, MASTER_KEY, { format: 'bitlocker' }).protection,
      properties: readEntries(value.subarray(MASTER_KEY_PROPERTIES_AT), 0),
    }));
}

/** What costs nothing first: the key that lies there while protection is suspended, then key files, then what is stretched. */
function findMasterKey(protectors: readonly KeyProtector[], { passphrases, work }: Unlocking): Uint8Array | undefined {
  const secrets = passphrases.map(readSecret);
  const attempts = [
    ...protectors.map((protector) => () => byClearKey(protector)),
    ...secrets.flatMap((secret) => protectors.map((protector) => () => byKeyFile(protector, secret))),
    ...secrets.flatMap((secret) =>
      stretched(protectors).map((protector) => () => byStretching(protector, secret, work)),
    ),
  ];
  for (const attempt of attempts) {
    const key = attempt();
    if (key !== undefined) return key;
  }
  return undefined;
}

/** Recovery keys are told by their form, so that what has it is hardly a password. */
function stretched(protectors: readonly KeyProtector[]): readonly KeyProtector[] {
  return [PROTECTION.recoveryKey, PROTECTION.password].flatMap((kind) =>
    protectors.filter(({ protection }) => protection === kind),
  );
}

function byClearKey({ protection, properties }: KeyProtector): Uint8Array | undefined {
  const key = protection === PROTECTION.clearKey ? plainKey(properties) : undefined;
  return key === undefined ? undefined : masterKeyBy(key, properties);
}

function byKeyFile({ id, protection, properties }: KeyProtector, { externalKey }: Secret): Uint8Array | undefined {
  const fits = protection === PROTECTION.startupKey && externalKey?.id === id;
  return fits ? masterKeyBy(externalKey.key, properties) : undefined;
}

function byStretching(protector: KeyProtector, secret: Secret, work: KeyWork): Uint8Array | undefined {
  const initial = initialDigest(protector, secret);
  const stretch = findValue(protector.properties, VALUE_TYPE.stretchKey);
  if (initial === undefined || stretch === undefined) return undefined;
  const [start, end] = STRETCH_SALT;
  if (stretch.length < end) throw corrupt('key protector', `its stretched key has ${stretch.length} bytes`, 0);
  work.spend(STRETCH_ITERATIONS, 'a BitLocker key', 'bitlocker');
  return masterKeyBy(stretchKey(initial, stretch.subarray(start, end)), protector.properties);
}

function initialDigest({ protection }: KeyProtector, { password, recoveryKey }: Secret): Uint8Array | undefined {
  if (protection === PROTECTION.recoveryKey) return recoveryKey;
  return protection === PROTECTION.password ? password : undefined;
}

/** `undefined` when the key is another. */
function masterKeyBy(key: Uint8Array, properties: readonly Entry[]): Uint8Array | undefined {
  const encrypted = findValue(properties, VALUE_TYPE.encryptedKey);
  const master = encrypted === undefined ? undefined : decryptKey(encrypted, key)?.key;
  return master?.length === MASTER_KEY_BYTES ? master : undefined;
}

/** The method is that of the authenticated datum; that of the header says the same, but anybody may have written it. */
function readVolumeKey({ entries }: BitlockerMetadata, masterKey: Uint8Array): VolumeKey {
  const entry = entries.find(
    ({ type, valueType }) => type === ENTRY_TYPE.volumeKey && valueType === VALUE_TYPE.encryptedKey,
  );
  const volumeKey = entry === undefined ? undefined : decryptKey(entry.value, masterKey);
  if (volumeKey === undefined) throw corrupt('metadata', 'the key of the volume does not open with its master key', 0);
  return volumeKey;
}

const METHOD = { method: [0, 'u16'] } as const;

/** A nonce, a tag, and an encrypted datum that holds a key. `undefined` when it is encrypted with another key. */
function decryptKey(value: Uint8Array, key: Uint8Array): VolumeKey | undefined {
  const datum = decryptCcm(value, key);
  const stored = datum === undefined ? undefined : findValue(readEntries(datum, 0), VALUE_TYPE.key);
  if (stored === undefined) return undefined;
  const { method } = readFields(stored, METHOD, { format: 'bitlocker' });
  return { method, key: stored.subarray(KEY_DATA_AT) };
}

function decryptCcm(value: Uint8Array, key: Uint8Array): Uint8Array | undefined {
  if (key.length !== MASTER_KEY_BYTES || value.length <= NONCE_BYTES + TAG_BYTES) return undefined;
  const nonce = value.subarray(0, NONCE_BYTES);
  const tag = value.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
  const decipher = createDecipheriv('aes-256-ccm', key, nonce, { authTagLength: TAG_BYTES }).setAuthTag(tag);
  const text = decipher.update(value.subarray(NONCE_BYTES + TAG_BYTES));
  try {
    decipher.final();
    return text;
  } catch {
    // all that may fail here is that the tag does not fit: the key is another
    return undefined;
  }
}
