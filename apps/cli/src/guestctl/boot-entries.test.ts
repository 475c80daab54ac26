import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { denyReferences, MemorySource, openDisk } from '@guestkit/disk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bootEntries } from './boot-entries.ts';

const hasXorriso = spawnSync('xorriso', ['-version']).error === undefined;

describe.skipIf(!hasXorriso)('bootEntries', () => {
  let folder: string;
  let disc: Uint8Array;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-boot-'));
    mkdirSync(path.join(folder, 'from'));
    writeFileSync(path.join(folder, 'from/efi.img'), 'efi'.repeat(1000));
    const image = path.join(folder, 'image');
    const args = ['-as', 'mkisofs', '-quiet', '-e', 'efi.img', '-no-emul-boot', '-o', image, path.join(folder, 'from')];
    execFileSync('xorriso', args, { stdio: 'pipe' });
    disc = readFileSync(image);
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test('tells what may be booted from a disc', () => {
    const { entries, warnings } = entriesOf(disc);
    expect(entries).toMatchObject([{ platform: 'EFI', media: 'none', bootable: true }]);
    expect(warnings).toEqual([]);
  });

  test('notes that a catalogue is damaged', () => {
    const bytes = Uint8Array.from(disc);
    const boot = 17 * 2048;
    bytes.fill(0xff, boot + 71, boot + 75);
    expect(entriesOf(bytes)).toEqual({ entries: [], warnings: [expect.stringContaining('boot catalogue')] });
  });

  test('finds none on what is no disc', () => {
    expect(entriesOf(new Uint8Array(4096))).toEqual({ entries: [], warnings: [] });
  });
});

function entriesOf(bytes: Uint8Array) {
  return bootEntries(openDisk(new MemorySource(bytes), { claimedFormat: 'raw', references: denyReferences }));
}
