import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FileSource } from '../../source/file-source.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { expectBytes, expectExtents, QemuFolder, writeStructured } from '../../testing/qemu.ts';
import type { DiskImage, ReferenceOpener } from '../image.ts';
import { openImage } from '../open.ts';
import { denyReferences } from '../references.ts';
import { BLOCK_FREE, BLOCK_ZERO } from './layout.ts';
import { type VdiDraft, vdi } from './testing.ts';

// The oracle is qemu-img for what it reads: same file, same bytes, same map.

let qemu: QemuFolder;

beforeAll(() => {
  qemu = new QemuFolder();
});

afterAll(() => qemu.remove());

function openFile(name: string): DiskImage {
  return openImage(FileSource.open(qemu.file(name)), { claimedFormat: 'vdi', references: denyReferences });
}

function open(bytes: Uint8Array, references: ReferenceOpener = denyReferences): DiskImage {
  return openImage(new MemorySource(bytes), { claimedFormat: 'vdi', references });
}

function expectSameAsQemu(name: string): void {
  const image = openFile(name);
  expectBytes(image, qemu.bytesOf('vdi', name));
  expectExtents(image, qemu.extentsOf('vdi', name));
}

describe('VDI made by qemu-img', () => {
  test.each([512, 4096, 1_048_576, 1_048_576 + 512, 3_145_728 + 1536, 6_291_456 - 512])(
    'reads the same as qemu: dynamic, %d bytes',
    (size) => {
      writeStructured(qemu.file('structured.raw'), size, 900_000);
      qemu.img('convert', '-f', 'raw', '-O', 'vdi', 'structured.raw', 'dynamic.vdi');
      expectSameAsQemu('dynamic.vdi');
    },
  );

  test.each([512, 2_097_152, 3_145_728 + 512])('reads the same as qemu: static, %d bytes', (size) => {
    writeStructured(qemu.file('structured.raw'), size);
    qemu.img('convert', '-f', 'raw', '-O', 'vdi', '-o', 'static=on', 'structured.raw', 'holes.vdi');
    // qemu maps the holes of the file itself too, so there must be none
    writeFileSync(qemu.file('static.vdi'), readFileSync(qemu.file('holes.vdi')));
    expectSameAsQemu('static.vdi');
  });

  test('reads scattered writes and zeros as qemu does', () => {
    qemu.img('create', '-f', 'vdi', 'scattered.vdi', '40M');
    qemu.io(
      'vdi',
      'scattered.vdi',
      'write -P 1 39M 1M',
      'write -P 2 100k 3k',
      'write -P 3 20000k 5M',
      'write -z 5M 2M',
    );
    expectSameAsQemu('scattered.vdi');
  });

  test('says what qemu-img info says', () => {
    qemu.img('create', '-f', 'vdi', 'facts.vdi', '3G');
    const info = JSON.parse(qemu.img('info', '-f', 'vdi', '--output=json', 'facts.vdi').toString());
    expect(openFile('facts.vdi').facts).toMatchObject({
      format: 'vdi',
      virtual_size: info['virtual-size'],
      details: {
        type: 'dynamic',
        cluster_size: info['cluster-size'],
        blocks: 3072,
        blocks_allocated: 0,
        parent_uuid: null,
      },
      chain: [],
      warnings: [],
    });
  });

  test('rounds a disk of an odd size up to whole sectors, as qemu does', () => {
    qemu.img('create', '-f', 'vdi', 'even.vdi', '2M');
    copyFileSync(qemu.file('even.vdi'), qemu.file('odd.vdi'));
    const bytes = readFileSync(qemu.file('odd.vdi'));
    bytes.writeBigUInt64LE(1_048_577n, 0x170);
    writeFileSync(qemu.file('odd.vdi'), bytes);
    expect(openFile('odd.vdi').sizeBytes).toBe(1_048_576 + 512);
    expectSameAsQemu('odd.vdi');
  });
});

const block = (value: number, sizeBytes = 4096) => Buffer.alloc(sizeBytes, value);

describe('VDI as VirtualBox makes it', () => {
  test('has blocks of any power of two', () => {
    const image = open(vdi({ blockSize: 512, blocks: [block(1, 512), BLOCK_FREE, block(2, 512), block(3, 512)] }));
    const answer = Buffer.concat([block(1, 512), block(0, 512), block(2, 512), block(3, 512)]);
    expectBytes(image, answer);
    expect([...image.extents()]).toEqual([
      { offset: 0, length: 512, kind: 'data' },
      { offset: 512, length: 512, kind: 'zero' },
      { offset: 1024, length: 1024, kind: 'data' },
    ]);
  });

  test('has extra bytes before each block', () => {
    const image = open(vdi({ blockExtra: 512, blocks: [block(1), BLOCK_ZERO, block(2)] }));
    expectBytes(image, Buffer.concat([block(1), block(0), block(2)]));
  });

  test('has a last block of which only a part is the disk', () => {
    const image = open(vdi({ diskSize: 4096 + 512, blocks: [BLOCK_FREE, block(7)] }));
    expectBytes(image, Buffer.concat([block(0), block(7, 512)]));
  });

  test('that ends within its last block is read while the disk is there', () => {
    const bytes = vdi({ diskSize: 4096 + 512, blocks: [BLOCK_FREE, block(7)] });
    expect(open(bytes.subarray(0, bytes.length - 4096 + 512)).read(4096, 512)).toEqual(new Uint8Array(512).fill(7));
  });
});

const PARENT = '7a1c6b2e-0d3f-4a5b-8c9d-112233445566';
const CHILD = 'c0ffee00-0d3f-4a5b-8c9d-112233445566';
const THEN = '00000001-0d3f-4a5b-8c9d-112233445566';
const LATER = '00000002-0d3f-4a5b-8c9d-112233445566';

/** Opens images by the names that are asked for. */
function folder(files: Readonly<Record<string, Uint8Array>>): ReferenceOpener {
  return {
    open(name) {
      const bytes = files[name];
      if (bytes === undefined) throw new Error(`nothing is called ${name}`);
      return new MemorySource(bytes);
    },
  };
}

function child(draft: VdiDraft = {}): Buffer {
  const blocks = [BLOCK_FREE, block(9), BLOCK_ZERO, BLOCK_FREE, BLOCK_FREE];
  return vdi({ uuid: CHILD, lastChange: THEN, parent: { uuid: PARENT, lastChange: THEN }, blocks, ...draft });
}

const base = (draft: VdiDraft = {}) =>
  vdi({ uuid: PARENT, lastChange: THEN, blocks: [block(1), block(2), block(3), block(4)], ...draft });

describe('differencing VDI', () => {
  test.each([
    ['differencing', 4],
    ['undo', 3],
  ])('(%s) falls to its parent where it has nothing', (type, number) => {
    const image = open(child({ type: number }), folder({ [`{${PARENT}}.vdi`]: base() }));
    expectBytes(image, Buffer.concat([block(1), block(9), block(0), block(4), block(0)]));
    expect([...image.extents()]).toEqual([
      { offset: 0, length: 8192, kind: 'data' },
      { offset: 8192, length: 4096, kind: 'zero' },
      { offset: 12_288, length: 4096, kind: 'data' },
      { offset: 16_384, length: 4096, kind: 'absent' },
    ]);
    expect(image.facts).toMatchObject({
      chain: [`{${PARENT}}.vdi`],
      warnings: [],
      details: { type, parent_uuid: PARENT },
    });
  });

  test('falls through a chain', () => {
    const top = vdi({
      parent: { uuid: CHILD, lastChange: THEN },
      blocks: [BLOCK_FREE, BLOCK_FREE, block(5), BLOCK_FREE],
    });
    const image = open(top, folder({ [`{${PARENT}}.vdi`]: base(), [`{${CHILD}}.vdi`]: child() }));
    expectBytes(image, Buffer.concat([block(1), block(9), block(5), block(4)]));
    expect(image.facts.chain).toEqual([`{${CHILD}}.vdi`, `{${PARENT}}.vdi`]);
  });

  test('names what it needs where the policy denies it', () => {
    const refusal = { kind: 'denied', message: expect.stringContaining(`"{${PARENT}}.vdi"`) };
    expect(() => open(child())).toThrow(expect.objectContaining(refusal));
  });

  test('refuses a parent of another UUID', () => {
    const references = folder({ [`{${PARENT}}.vdi`]: base({ uuid: CHILD }) });
    expect(() => open(child(), references)).toThrow(
      expect.objectContaining({ kind: 'corrupt', message: expect.stringContaining(PARENT) }),
    );
  });

  test('warns of a parent that was written to', () => {
    const image = open(child(), folder({ [`{${PARENT}}.vdi`]: base({ lastChange: LATER }) }));
    expect(image.facts.warnings).toEqual(['parent was written to after this image was made above it']);
  });

  test('ends a chain that comes back to itself', () => {
    const loop = child({ uuid: PARENT });
    expect(() => open(loop, folder({ [`{${PARENT}}.vdi`]: loop }))).toThrow(
      expect.objectContaining({ kind: 'corrupt' }),
    );
  });
});
