import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemorySource } from '../source/memory-source.ts';
import { QemuFolder } from '../testing/qemu-folder.ts';
import type { DiskImage, ReferenceOpener } from './image.ts';
import { openImage } from './open.ts';

const MIB = 2 ** 20;

/** A policy that allows everything, and remembers what it was asked for. */
class OpenDoor implements ReferenceOpener {
  readonly asked: string[] = [];

  open(name: string): MemorySource {
    this.asked.push(name);
    return new MemorySource(Buffer.alloc(MIB, 'secret of the host '));
  }
}

interface Declared {
  readonly as?: string;
  readonly references?: ReferenceOpener;
  readonly allow?: boolean;
}

function open(bytes: Uint8Array, { as, references = new OpenDoor(), allow = true }: Declared = {}): DiskImage {
  const claim = as === undefined ? {} : { claimedFormat: as };
  return openImage(new MemorySource(bytes), { references, allowFormatOverride: allow, ...claim });
}

const PLAIN = Buffer.alloc(MIB, 'nothing known ');

/** What is an image, and carries the footer of a fixed VHD too. */
function withVhdFooter(bytes: Uint8Array): Buffer {
  const footer = Buffer.alloc(512);
  footer.write('conectix');
  return Buffer.concat([bytes, footer]);
}

describe('a format override', () => {
  const folder = new QemuFolder();
  let alone: Buffer;
  let overlay: Buffer;
  let external: Buffer;

  beforeAll(() => {
    folder.img('create', '-f', 'raw', 'base.raw', '1M');
    folder.img('create', '-f', 'qcow2', 'alone.qcow2', '1M');
    folder.io('qcow2', 'alone.qcow2', 'write -P 7 0 64k');
    folder.img('create', '-f', 'qcow2', '-b', 'base.raw', '-F', 'raw', 'overlay.qcow2');
    folder.img('create', '-f', 'qcow2', '-o', 'data_file=data.raw', 'external.qcow2', '1M');
    alone = readFileSync(folder.file('alone.qcow2'));
    overlay = readFileSync(folder.file('overlay.qcow2'));
    external = readFileSync(folder.file('external.qcow2'));
  });
  afterAll(() => folder.remove());

  test('reads a raw disk whose guest wrote the head of a qcow2 into it, and opens nothing that this names', () => {
    const references = new OpenDoor();
    const disk = Buffer.alloc(MIB, 'the rest of the disk of the guest');
    overlay.copy(disk);
    const image = open(disk, { as: 'raw', references });
    expect(image.facts).toMatchObject({
      format: 'raw',
      details: { format_override: 'qcow2' },
      chain: [],
      warnings: ['format override: content matches qcow2, read as raw, as declared'],
    });
    expect(disk.equals(image.read(0, disk.length))).toBe(true);
    expect([...image.extents()][0]).toMatchObject({ offset: 0, kind: 'data' });
    expect(references.asked).toEqual([]);
  });

  test('reads what matches several formats as the one that is declared', () => {
    const both = withVhdFooter(alone);
    const image = open(both, { as: 'qcow2' });
    expect(image.facts).toMatchObject({ format: 'qcow2', details: { format_override: 'qcow2 and vhd' } });
    expect(image.read(0, 65_536)).toEqual(new Uint8Array(65_536).fill(7));
    const target = new Uint8Array(1024);
    image.readInto?.(64_512 + 512, target);
    expect(target).toEqual(Uint8Array.from({ length: 1024 }, (_, index) => (index < 512 ? 7 : 0)));
    expect(both.equals(open(both, { as: 'raw' }).read(0, both.length))).toBe(true);
  });

  test.each([
    ['backing file', () => overlay],
    ['external data file', () => external],
  ])('opens no %s, whatever the policy allows', (_, bytes) => {
    const references = new OpenDoor();
    const refusal = expect.objectContaining({ kind: 'denied', message: expect.stringContaining('overridden') });
    expect(() => open(withVhdFooter(bytes()), { as: 'qcow2', references }).read(0, 512)).toThrow(refusal);
    expect(references.asked).toEqual([]);
  });

  test('changes nothing where the content is what is declared', () => {
    const references = new OpenDoor();
    const image = open(overlay, { as: 'qcow2', references });
    expect(image.facts.details).not.toHaveProperty('format_override');
    expect(references.asked).toEqual(['base.raw']);
    expect(open(PLAIN, { as: 'raw' }).facts).toMatchObject({ details: {}, warnings: [] });
  });

  test.each([undefined, 'img', 'IMG'])('chooses nothing where %s is declared', (as) => {
    const claim = as === undefined ? {} : { as };
    expect(() => open(withVhdFooter(alone), claim)).toThrow(expect.objectContaining({ kind: 'corrupt' }));
    expect(open(alone, claim).facts.format).toBe('qcow2');
  });

  test.each([
    ['another format', 'vmdk'],
    ['no format at all', 'nonsense'],
  ])('does not read content as %s', (_, as) => {
    expect(() => open(alone, { as })).toThrow(expect.objectContaining({ kind: 'mismatch', format: 'qcow2' }));
    expect(() => open(withVhdFooter(alone), { as })).toThrow(expect.objectContaining({ kind: 'corrupt' }));
    expect(() => open(PLAIN, { as })).toThrow(expect.objectContaining({ kind: 'mismatch', format: 'raw' }));
  });

  test('is no matter of what an image claims of another', () => {
    // the backing file of `overlay` is said to be raw, and is a qcow2 here
    const references = { open: () => new MemorySource(alone) };
    expect(() => open(overlay, { as: 'qcow2', references })).toThrow(
      expect.objectContaining({ kind: 'corrupt', message: expect.stringContaining('"raw" was claimed') }),
    );
  });

  test('does not come by itself', () => {
    expect(() => open(alone, { as: 'raw', allow: false })).toThrow(expect.objectContaining({ kind: 'mismatch' }));
    expect(() => open(withVhdFooter(alone), { as: 'qcow2', allow: false })).toThrow(
      expect.objectContaining({ kind: 'corrupt' }),
    );
  });

  test('leaves no snapshot to be chosen where the declared format holds none', () => {
    const source = new MemorySource(alone);
    const options = { references: new OpenDoor(), claimedFormat: 'raw', allowFormatOverride: true, snapshot: 'a' };
    expect(() => openImage(source, options)).toThrow(expect.objectContaining({ kind: 'unsupported' }));
  });
});
