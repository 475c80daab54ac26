import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withMounted } from '../../../../../../test/support/loop-mount.ts';
import { listFolder, listTree } from '../../../../../../test/support/tree-listing.ts';
import { CachedSource } from '../../../source/cached-source.ts';
import { MemorySource } from '../../../source/memory-source.ts';
import { createFileTree } from '../../tree.ts';
import { openXfs } from '../open.ts';
import { hasXfsprogs, MEBIBYTE, makeXfs, openImage, xfsDb } from '../testing/image.ts';

const REPLAYED = 'not unmounted cleanly: the log was replayed in memory';

describe.skipIf(!hasXfsprogs)('an XFS filesystem that stopped while it was written', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-xfs-log-'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  /** Changes files in many ways; the log reaches the disk now and then, as whoever waits for it asks. */
  const crash = (args: string, shutdown: string) =>
    makeXfs(path.join(folder, `${Math.random()}`), {
      args,
      sizeBytes: 200 * MEBIBYTE,
      fill: (target) => {
        execFileSync('python3', ['-c', CHANGES, target]);
        execFileSync('xfs_io', ['-x', '-c', shutdown, target], { stdio: 'pipe' });
      },
    });

  test.for([
    ['-b size=1024 -m rmapbt=1', 'shutdown -f'],
    ['-b size=1024 -m rmapbt=1', 'shutdown'],
    ['-b size=4096 -l su=256k', 'shutdown -f'],
    ['-m bigtime=0,reflink=0 -l version=2,su=4k', 'shutdown'],
    ['-s size=4096 -i nrext64=1,size=1024', 'shutdown -f'],
    ['-b size=1024 -n size=4096 -i sparse=0', 'shutdown'],
  ] as const)('mkfs.xfs %s, then "%s", shows what the kernel shows after its replay', ([args, shutdown], context) => {
    const image = crash(args, shutdown);
    if (image === undefined) return context.skip('no images can be mounted here');
    const fileSystem = openImage(image);
    expect(fileSystem.warnings).toEqual([REPLAYED]);
    const files = listTree(createFileTree(fileSystem));
    const { freeBytes } = fileSystem;
    // this mount replays, so it comes last
    expect(files).toEqual(withMounted(image, 'noatime', (shown) => listFolder(shown)));
    expect(openImage(image).warnings).toEqual([]);
    // the kernel then frees what was deleted but still in use
    expect(freeBytes).toBeGreaterThan((openImage(image).freeBytes ?? 0) - MEBIBYTE);
    expect(freeBytes).toBeLessThanOrEqual(openImage(image).freeBytes ?? 0);
  });

  test('reads what was written to the log in several rounds', (context) => {
    const image = makeXfs(path.join(folder, 'rounds'), {
      args: '-m reflink=0 -d agcount=2',
      fill: (target) => {
        // more than the log holds
        for (let round = 0; round < 5; round++) execFileSync('python3', ['-c', CHANGES, target, `${round}`]);
        execFileSync('xfs_io', ['-x', '-c', 'shutdown -f', target], { stdio: 'pipe' });
      },
    });
    if (image === undefined) return context.skip('no images can be mounted here');
    const files = listTree(createFileTree(openImage(image)));
    expect(files).toEqual(withMounted(image, 'noatime', (shown) => listFolder(shown)));
  });

  test('does without a record that was not written to the end, as the kernel does', (context) => {
    const image = crash('-b size=4096', 'shutdown -f');
    if (image === undefined) return context.skip('no images can be mounted here');
    tearLastRecord(image);
    const torn = listTree(createFileTree(openImage(image)));
    expect(torn).toEqual(withMounted(image, 'noatime', (shown) => listFolder(shown)));
  });

  test('that has a log of another filesystem is shown as it was, and that is said', (context) => {
    const image = crash('-b size=4096', 'shutdown -f');
    if (image === undefined) return context.skip('no images can be mounted here');
    const bytes = readFileSync(image);
    const { start, length } = logPlace(image);
    // every record loses its magic number
    for (let at = start; at < start + length; at += 512) {
      if (bytes.readUInt32BE(at) === 0xfeedbabe) bytes.writeUInt32BE(7, at);
    }
    const fileSystem = openXfs(new MemorySource(bytes));
    expect(fileSystem.warnings).toEqual([
      expect.stringContaining('log not replayed: the newest changes may be missing'),
    ]);
    expect(fileSystem.freeRanges).toBeUndefined();
  });

  test('refuses to replay what it does not know, and says so', (context) => {
    const image = crash('-b size=4096', 'shutdown -f');
    if (image === undefined) return context.skip('no images can be mounted here');
    xfsDb(image, 'sb 0', 'write -d features_log_incompat 0x8');
    expect(openImage(image).warnings).toEqual([expect.stringContaining('unknown feature 0x8 of the log')]);
  });

  test('with its log on another device says that it is not replayed', () => {
    const log = path.join(folder, 'external-log');
    writeFileSync(log, new Uint8Array(8 * 1024 * 1024));
    const image = makeXfs(path.join(folder, 'external'), { args: `-l logdev=${log},size=8m` }) as string;
    expect(openImage(image).warnings).toEqual([expect.stringContaining('it is on another device')]);
  });

  test('is not read through its whole log to find that it is clean', () => {
    const image = makeXfs(path.join(folder, 'clean'), { args: '-l size=64m', sizeBytes: 300 * MEBIBYTE }) as string;
    const source = new CachedSource(new MemorySource(readFileSync(image)), { blockBytes: 512 });
    openXfs(source);
    expect(source.stats.bytes).toBeLessThan(200_000);
  });
});

function logPlace(image: string): { readonly start: number; readonly length: number } {
  const printed = xfsDb(image, 'sb 0', 'print logstart logblocks blocksize agblocks agblklog');
  const value = (name: string) => Number(new RegExp(`^${name} = (\\d+)`, 'm').exec(printed)?.[1]);
  const group = Math.floor(value('logstart') / 2 ** value('agblklog'));
  const block = group * value('agblocks') + (value('logstart') % 2 ** value('agblklog'));
  return { start: block * value('blocksize'), length: value('logblocks') * value('blocksize') };
}

/** Damages the content of the newest record. */
function tearLastRecord(image: string): void {
  const bytes = readFileSync(image);
  const { start, length } = logPlace(image);
  let newest = start;
  let lsn = 0n;
  for (let at = start; at < start + length; at += 512) {
    if (bytes.readUInt32BE(at) !== 0xfeedbabe || bytes.readBigUInt64BE(at + 0x10) < lsn) continue;
    newest = at;
    lsn = bytes.readBigUInt64BE(at + 0x10);
  }
  bytes.writeUInt32BE(0xdeadbeef, newest + 512 + 100);
  writeFileSync(image, bytes);
}

const CHANGES = `
import os, random, sys
os.chdir(sys.argv[1])
round = sys.argv[2] if len(sys.argv) > 2 else '0'
random.seed(int(round) + 5)
folders, files = ['.'], []
def sync(file):
  if random.random() < 0.1: os.fsync(file)
for index in range(350):
  name = '%s/%s-%d' % (random.choice(folders), round, index)
  choice = random.randrange(12)
  file = random.choice(files) if files else None
  if choice < 4 or file is None:
    with open(name, 'wb') as made: made.write(os.urandom(random.randrange(1, 9000))); made.flush(); sync(made.fileno())
    files.append(name)
  elif choice == 4: os.mkdir(name); folders.append(name)
  elif choice == 5: os.unlink(file); files.remove(file)
  elif choice == 6:
    fd = os.open(file, os.O_RDWR); os.pwrite(fd, os.urandom(3000), random.randrange(200000)); sync(fd); os.close(fd)
  elif choice == 7: os.setxattr(file, 'user.%d' % random.randrange(6), os.urandom(random.randrange(1500)))
  elif choice == 8: os.rename(file, name); files.remove(file); files.append(name)
  elif choice == 9: os.symlink('t' * random.randrange(1, 900), name)
  elif choice == 10: os.truncate(file, random.randrange(20000))
  else:
    for more in range(20): open('%s-%d' % (name, more), 'w').close()
fd = os.open('.', os.O_RDONLY); os.fsync(fd)
for index in range(30): open('unsynced-%s-%d' % (round, index), 'w').close()
`;
