import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Disk } from './disk.ts';
import { denyReferences } from './image/references.ts';
import { openDisk } from './open-disk.ts';
import { MemorySource } from './source/memory-source.ts';
import { corpusAbsent, corpusFiles, readCorpus, readCorpusText } from './testing/corpus.ts';
import { misbehaviour, mutate, seededRandom } from './testing/mutation.ts';

let folder: string;
let ext4: Buffer;
let vfat: Buffer;
/** GPT with vfat, ext4, swap and a partition of zeros. */
let disk: Buffer;

const run = (program: string, args: readonly string[], input = '') =>
  execFileSync(program, args, { cwd: folder, stdio: 'pipe', input });

function make(name: string, sizeBytes: number, program: string, ...args: readonly string[]): Buffer {
  const path = join(folder, name);
  writeFileSync(path, '');
  truncateSync(path, sizeBytes);
  run(program, [...args, path]);
  return readFileSync(path);
}

const MIB = 2 ** 20;
const SCRIPT = `label: gpt
start=2048, size=4096, type=uefi, name=esp
start=6144, size=8192, type=linux, name=root
start=14336, size=2048, type=swap
start=16384, size=2048, type=linux`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'guestkit-disk-'));
  ext4 = make('ext4', 4 * MIB, 'mke2fs', '-q', '-t', 'ext4', '-L', 'root');
  vfat = make('vfat', 2 * MIB, 'mkfs.vfat', '-F', '12', '-n', 'ESP');
  const swap = make('swap', MIB, 'mkswap');
  writeFileSync(join(folder, 'disk'), '');
  truncateSync(join(folder, 'disk'), 10 * MIB);
  run('sfdisk', ['-q', 'disk'], SCRIPT);
  disk = readFileSync(join(folder, 'disk'));
  vfat.copy(disk, MIB);
  ext4.copy(disk, 3 * MIB);
  swap.copy(disk, 7 * MIB);
});

afterAll(() => rmSync(folder, { recursive: true }));

function open(bytes: Uint8Array, claimedFormat = 'raw'): Disk {
  return openDisk(new MemorySource(bytes), { claimedFormat, references: denyReferences });
}

function summary({ volumes }: Disk) {
  return volumes.map(({ device, signature, fileSystem, error }) => [
    device,
    signature?.type ?? null,
    fileSystem?.type ?? error?.kind ?? null,
  ]);
}

describe('openDisk', () => {
  test('names volumes by their partitions, and opens what it can', () => {
    const opened = open(disk);
    expect(opened.table?.scheme).toBe('gpt');
    expect(summary(opened)).toEqual([
      ['/dev/sda1', 'vfat', 'vfat'],
      ['/dev/sda2', 'ext4', 'ext4'],
      ['/dev/sda3', 'swap', null],
      ['/dev/sda4', null, null],
    ]);
    expect(opened.volumes[1]?.fileSystem?.label).toBe('root');
    expect(opened.volumes[1]?.partition?.name).toBe('root');
  });

  test('reads the same through qcow2', () => {
    run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', '-c', 'ext4', 'ext4.qcow2']);
    writeFileSync(join(folder, 'whole'), disk);
    run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', 'whole', 'whole.qcow2']);
    const opened = open(readFileSync(join(folder, 'whole.qcow2')), 'qcow2');
    expect(opened.image.facts.format).toBe('qcow2');
    expect(summary(opened)).toEqual(summary(open(disk)));
    expect(summary(open(readFileSync(join(folder, 'ext4.qcow2')), 'qcow2'))).toEqual([['/dev/sda', 'ext4', 'ext4']]);
  });

  test('takes a disk without a table as one volume', () => {
    expect(summary(open(ext4))).toEqual([['/dev/sda', 'ext4', 'ext4']]);
    expect(summary(open(vfat))).toEqual([['/dev/sda', 'vfat', 'vfat']]);
    expect(summary(open(new Uint8Array(MIB)))).toEqual([['/dev/sda', null, null]]);
  });

  test('keeps a damaged filesystem from hiding the others', () => {
    const damaged = Buffer.from(disk);
    // an impossible block size in the superblock of the root filesystem
    damaged.writeUInt32LE(0xffffffff, 3 * MIB + 1024 + 24);
    const opened = open(damaged);
    expect(summary(opened)[1]).toEqual(['/dev/sda2', 'ext4', 'corrupt']);
    expect(summary(opened)[0]).toEqual(['/dev/sda1', 'vfat', 'vfat']);
  });

  test('cuts a partition that reaches past the end, and refuses one that starts there', () => {
    const cut = open(disk.subarray(0, 5 * MIB));
    expect(cut.table?.warnings).toContain('partition 2 ends at 0x700000, past the end of the disk at 0x500000');
    expect(cut.volumes[1]?.source.sizeBytes).toBe(2 * MIB);
    expect(cut.volumes[2]).toMatchObject({ source: { sizeBytes: 0 }, error: { kind: 'corrupt', offset: 7 * MIB } });
  });

  test('does not open a member of an array by the filesystem in front, though its superblock is damaged', () => {
    const mirror = Buffer.from(ext4);
    const at = mirror.length - 65536;
    mirror.writeUInt32LE(0xa92b4efc, at);
    expect(summary(open(mirror))).toEqual([['/dev/sda', 'linux_raid_member', 'corrupt']]);
  });

  test('names a partition table that it cannot read', () => {
    const sun = new Uint8Array(MIB);
    sun.set([0xda, 0xbe], 508);
    const message = expect.stringContaining('Sun disk label');
    expect(open(sun)).toMatchObject({
      ...{ table: undefined, foreignTable: 'Sun disk label' },
      volumes: [{ error: { kind: 'unsupported', message } }],
    });
    expect(open(new Uint8Array(MIB)).foreignTable).toBeUndefined();
  });

  test('never ends in anything but a DiskError, whatever is changed', () => {
    const random = seededRandom(42);
    const tables = [
      [440, 512],
      [512, 608],
      [1024, 1536],
      [disk.length - 512, disk.length - 400],
    ] as const;
    const volumes = [
      [MIB, MIB + 96],
      [3 * MIB + 1024, 3 * MIB + 1400],
      [3 * MIB + 1080, 3 * MIB + 1240],
    ] as const;
    for (let round = 0; round < 200; round++) {
      const bytes = mutate(disk, round % 2 === 0 ? tables : volumes, random);
      expect(misbehaviour(() => open(bytes))).toBeUndefined();
    }
  });
});

interface CorpusAnswer {
  readonly parts?: readonly {
    readonly start: number;
    readonly blkid?: { readonly TYPE?: string; readonly UUID?: string };
  }[];
  readonly fs?: { readonly blkid?: { readonly TYPE?: string; readonly UUID?: string } };
}

/** Type and UUID of every volume that blkid knew, in order of their start. */
function knownVolumes({ parts, fs }: CorpusAnswer): readonly (readonly [string, string | undefined])[] {
  const whole = fs?.blkid === undefined ? [] : [fs.blkid];
  const found = [...whole, ...(parts ?? []).toSorted((a, b) => a.start - b.start).map(({ blkid }) => blkid)];
  return found.flatMap((blkid) => (blkid?.TYPE === undefined ? [] : [[blkid.TYPE, blkid.UUID] as const]));
}

describe.skipIf(corpusAbsent !== undefined)('openDisk on real images', () => {
  const qcow2 = corpusFiles('*/*/*.qcow2*.ref.json').filter((file) => !file.startsWith('malformed'));
  const partitioned = corpusFiles('partitions/dfvfs/{gpt,mbr}*.ref.json');

  test.each([...qcow2, ...partitioned])('finds the volumes of %s', (file) => {
    const answer: CorpusAnswer = JSON.parse(readCorpusText(file));
    const { volumes } = openDisk(new MemorySource(readCorpus(file.replace('.ref.json', ''))), {
      references: denyReferences,
    });
    const known = knownVolumes(answer);
    const ours = volumes
      .toSorted((a, b) => (a.partition?.startBytes ?? 0) - (b.partition?.startBytes ?? 0))
      .flatMap(({ signature }) => (signature === undefined ? [] : [[signature.type, signature.uuid]]));
    expect(ours).toEqual(expect.arrayContaining([...known]));
  });

  test.each([
    ['malformed/osv-scalibr/invalid.qcow2', 'qcow2'],
    ['malformed/osv-scalibr/invalid.vdi', 'vdi'],
    ['malformed/qemu/afl9.vmdk.bz2', 'vmdk'],
  ])('refuses %s', (file, claimedFormat) => {
    expect(() => open(readCorpus(file), claimedFormat)).toThrow(expect.objectContaining({ name: 'DiskError' }));
  });
});
