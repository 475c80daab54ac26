import { DiskError } from '@guestkit/disk';
import type { ByteSource } from '../../../packages/disk/src/source/byte-source.ts';
import type { Edit } from '../../../packages/disk/src/testing/edits.ts';
import { openBitlocker } from '../../../packages/disk/src/volume/bitlocker/open.ts';
import {
  buildBitlocker,
  resealedBlock,
  startupKeyFile,
  type VolumePlan,
} from '../../../packages/disk/src/volume/bitlocker/testing.ts';
import { KeyWork } from '../../../packages/disk/src/volume/unlocking.ts';
import type { Family, Seed, Surroundings } from '../family.ts';
import { readDisk } from '../read-disk.ts';

const PASSWORD = 'correct horse';
const RECOVERY_KEY = '000011-000022-123453-654324-720885-000000-471207-278498';
/** Three copies of the metadata take up 64 KiB each, and may not lie in the same place. */
const PLAIN_BYTES = 320 * 1024;
const SECTOR = 512;

const PLANS: Readonly<Record<string, Partial<VolumePlan>>> = {
  'clear key': {},
  diffuser: { method: 0x8000 },
  cbc: { method: 0x8003 },
  'xts 256': { method: 0x8005, protectors: [{ kind: 'startup key' }, { kind: 'TPM' }] },
  vista: { version: 1, method: 0x8001 },
  'to go': { isToGo: true, method: 0x8002 },
  'large sectors': { sectorBytes: 4096 },
  paused: { encryptedBytes: PLAIN_BYTES / 2 },
  secrets: {
    protectors: [
      { kind: 'password', text: PASSWORD },
      { kind: 'recovery key', text: RECOVERY_KEY },
      { kind: 'clear key' },
    ],
  },
};

export const BITLOCKER: Family = {
  name: 'bitlocker',
  // another family has filesystems: what is within is the start of an NTFS, and text
  seeds: () =>
    Object.entries(PLANS).map(([name, plan]): Seed => {
      const built = buildBitlocker({ plain: plain(), method: 0x8004, protectors: [{ kind: 'clear key' }], ...plan });
      return { name, bytes: built.bytes };
    }),
  read,
  seal,
};

function plain(): Buffer {
  const bytes = Buffer.alloc(PLAIN_BYTES, 'a volume of Windows ');
  bytes.write('eb52904e5446532020202000020800000000000000f800003f00ff00', 'hex');
  bytes.fill(0, 28, 84);
  bytes.writeBigUInt64LE(BigInt(PLAIN_BYTES / SECTOR - 1), 40);
  bytes.writeBigUInt64LE(4n, 48);
  bytes.writeBigUInt64LE(8n, 56);
  bytes.writeUInt16LE(0xaa55, 510);
  return bytes;
}

/** To stretch a password is slow on purpose, and nothing in the image makes it less: what comes before is read, up to there. */
function read(source: ByteSource, surroundings: Surroundings): void {
  readDisk(source, surroundings, [startupKeyFile()]);
  try {
    openBitlocker(source, {
      passphrases: [PASSWORD, RECOVERY_KEY].map((text) => Buffer.from(text)),
      work: new KeyWork(0),
    });
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    surroundings.note(error);
  }
}

/** Every copy of the metadata, wherever it is now. */
function seal(bytes: Uint8Array): readonly Edit[] {
  const volume = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const edits: Edit[] = [];
  // the start of the volume has the same signature, three bytes on
  for (let at = SECTOR; at + SECTOR <= volume.length; at += SECTOR) {
    if (volume.toString('latin1', at, at + 8) !== '-FVE-FS-') continue;
    const block = resealedBlock(volume, at);
    if (block !== undefined) edits.push({ at, bytes: block });
  }
  return edits;
}
