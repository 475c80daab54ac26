import { createCipheriv, pbkdf2Sync } from 'node:crypto';
import { LUKS1_BYTES, LUKS1_SLOT_ACTIVE, LUKS1_SLOTS_AT, SECTOR_BYTES } from './layout.ts';

// Builds a LUKS1 volume by hand whose passphrase costs next to nothing to try: one iteration, and a key in one stripe.

const KEY_BYTES = 64;
const MATERIAL_SECTOR = 4;
const PAYLOAD_SECTOR = 8;
const ITERATIONS = 1;

export function cheapLuks1(plain: Uint8Array, passphrase: Uint8Array): Buffer {
  const master = Buffer.from(Array.from({ length: KEY_BYTES }, (_, index) => index));
  const salt = Buffer.alloc(32, 0x5a);
  const payload = Array.from({ length: plain.length / SECTOR_BYTES }, (_, sector) =>
    encrypted(plain.subarray(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES), master, sector),
  );
  const volume = Buffer.concat([Buffer.alloc(PAYLOAD_SECTOR * SECTOR_BYTES), ...payload]);
  writeHeader(volume, salt);
  pbkdf2Sync(master, salt, ITERATIONS, 20, 'sha256').copy(volume, LUKS1_BYTES['mk-digest'][0]);
  const key = pbkdf2Sync(passphrase, salt, ITERATIONS, KEY_BYTES, 'sha256');
  const material = Buffer.alloc(SECTOR_BYTES);
  master.copy(material);
  encrypted(material, key, 0).copy(volume, MATERIAL_SECTOR * SECTOR_BYTES);
  return volume;
}

function writeHeader(volume: Buffer, salt: Buffer): void {
  volume.write('LUKS\xba\xbe\0\x01', 'latin1');
  volume.write('aes', LUKS1_BYTES['cipher-name'][0]);
  volume.write('xts-plain64', LUKS1_BYTES['cipher-mode'][0]);
  volume.write('sha256', LUKS1_BYTES['hash-spec'][0]);
  salt.copy(volume, LUKS1_BYTES['mk-digest-salt'][0]);
  salt.copy(volume, LUKS1_SLOTS_AT + 8);
  const words = [
    [104, PAYLOAD_SECTOR],
    [108, KEY_BYTES],
    [164, ITERATIONS],
    [LUKS1_SLOTS_AT, LUKS1_SLOT_ACTIVE],
    [LUKS1_SLOTS_AT + 4, ITERATIONS],
    [LUKS1_SLOTS_AT + 40, MATERIAL_SECTOR],
    [LUKS1_SLOTS_AT + 44, 1],
  ] as const;
  for (const [at, value] of words) volume.writeUInt32BE(value, at);
  volume.write('00112233-4455-6677-8899-aabbccddeeff', 168);
}

function encrypted(sector: Uint8Array, key: Uint8Array, number: number): Buffer {
  const tweak = Buffer.alloc(16);
  tweak.writeUInt32LE(number);
  const cipher = createCipheriv('aes-256-xts', key, tweak);
  return Buffer.concat([cipher.update(sector), cipher.final()]);
}
