import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MemorySource } from '../../../source/memory-source.ts';
import { WindowSource } from '../../../source/window-source.ts';
import { seededRandom } from '../../../testing/mutation.ts';
import { survives } from '../../testing/survives.ts';
import { BASIC_BLOCK } from '../layout.ts';
import { openXfs } from '../open.ts';
import { readSuperblock } from '../superblock.ts';
import { hasXfsprogs, MEBIBYTE, makeXfs } from '../testing/image.ts';
import { XfsVolume } from '../volume.ts';
import { findRange, recordsIn } from './find-range.ts';
import { H_CRC, RECORD_HEADER_SIZES } from './layout.ts';
import { LogBlocks } from './log-blocks.ts';
import { checksumOf, type RecordHeader } from './record.ts';

const MUTATIONS = 200;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'guestkit-xfs-log-mutation-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

test.skipIf(!hasXfsprogs)(
  'a mutated log whose checksums are right is replayed, or it is said that it is not',
  (context) => {
    const image = makeXfs(path.join(folder, 'image'), { args: '-b size=1024', sizeBytes: 20 * MEBIBYTE, fill: crash });
    if (image === undefined) return context.skip('no images can be mounted here');
    const bytes = new Uint8Array(readFileSync(image));
    const superblock = readSuperblock(new MemorySource(bytes));
    const start = new XfsVolume(new MemorySource(bytes), superblock).offsetOf(superblock.logStart);
    const log = () => new LogBlocks(new WindowSource(new MemorySource(bytes), start, superblock.logBlocks * 1024));
    const range = findRange(log(), true);
    if (range === undefined) throw new Error('the log is clean');
    const headers = [...recordsIn(log(), range, true)].map(({ header }) => header);
    const random = seededRandom(3);
    let notReplayed = 0;
    for (let count = 0; count < MUTATIONS; count++) {
      const header = headers[random(headers.length)] as RecordHeader;
      const from = start + header.block * BASIC_BLOCK;
      const to = start + Math.min(header.end, log().count) * BASIC_BLOCK;
      const saved = bytes.slice(from, to);
      for (let change = 0; change < 3; change++) {
        const at = from + BASIC_BLOCK + random(Math.min(to - from - BASIC_BLOCK, 4000));
        // the first word of a block is the number of the round
        if (at % BASIC_BLOCK >= 4) bytes[at] = [0, 1, 0x7f, 0xff, random(256)][random(5)] ?? 0;
      }
      restamp(bytes.subarray(from, to), header);
      survives(() => {
        const fileSystem = openXfs(new MemorySource(bytes));
        if (fileSystem.warnings.some((warning) => warning.startsWith('log not replayed'))) notReplayed += 1;
        return fileSystem;
      }, 'inner');
      bytes.set(saved, from);
    }
    expect(notReplayed).toBeGreaterThan(MUTATIONS / 10);
  },
);

function restamp(record: Uint8Array, header: RecordHeader): void {
  const content = record.subarray(header.bytes.length);
  const checksum = checksumOf(
    { ...header, bytes: record.subarray(0, header.bytes.length) },
    content,
    RECORD_HEADER_SIZES[0] as number,
  );
  new DataView(record.buffer, record.byteOffset).setUint32(H_CRC, checksum, true);
}

function crash(target: string): void {
  for (let index = 0; index < 40; index++)
    writeFileSync(path.join(target, `file-${index}`), `${index}`.repeat(index * 10));
  for (let index = 0; index < 40; index += 3) rmSync(path.join(target, `file-${index}`));
  execFileSync('setfattr', ['-n', 'user.note', '-v', 'text', path.join(target, 'file-1')]);
  execFileSync('xfs_io', ['-x', '-c', 'shutdown -f', target], { stdio: 'pipe' });
}
