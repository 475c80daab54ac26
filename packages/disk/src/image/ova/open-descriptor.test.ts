import { readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DiskError } from '../../error.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { misbehaviour, mutate, seededRandom } from '../../testing/mutation.ts';
import { expectBytes, QemuFolder, writeStructured } from '../../testing/qemu.ts';
import type { DiskImage, ReferenceOpener } from '../image.ts';
import { openImage } from '../open.ts';
import { denyReferences } from '../references.ts';

const FIRST = {
  file: 'first.vmdk',
  format: 'http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized',
};
const SECOND = { file: './second.qcow2', format: '' };

interface Entry {
  readonly file: string;
  readonly format: string;
  /** More attributes of the file. */
  readonly more?: string;
}

function ovf(entries: readonly Entry[], head = '<?xml version="1.0"?>\n'): Buffer {
  const files = entries.map(({ file, more = '' }, index) => `<File ovf:id="f${index}" ovf:href="${file}" ${more}/>`);
  const disks = entries.map(({ format }, index) => {
    return `<Disk ovf:diskId="d${index}" ovf:fileRef="f${index}" ovf:capacity="3000320" ovf:format="${format}"/>`;
  });
  return Buffer.from(`${head}<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">
    <References>${files.join('')}</References><DiskSection>${disks.join('')}</DiskSection>
    <VirtualSystem ovf:id="vm"><Name>web</Name></VirtualSystem></Envelope>`);
}

describe('an OVF descriptor', () => {
  const folder = new QemuFolder();
  beforeAll(() => {
    writeStructured(folder.file('disk.raw'), 3_000_320, 100_000);
    folder.img('convert', '-f', 'raw', '-O', 'vmdk', '-o', 'subformat=streamOptimized', 'disk.raw', 'first.vmdk');
    folder.img('convert', '-f', 'raw', '-O', 'qcow2', 'disk.raw', 'second.qcow2');
    folder.img('create', '-f', 'qcow2', '-b', 'second.qcow2', '-F', 'qcow2', 'overlay.qcow2');
  });
  afterAll(() => folder.remove());

  const beside: ReferenceOpener = {
    open(name) {
      const file = folder.file(name);
      if (!statSync(file, { throwIfNoEntry: false })?.isFile())
        throw new DiskError('io', `Cannot open "${name}": there is no such file`);
      return new MemorySource(readFileSync(file));
    },
  };

  function open(bytes: Uint8Array, disk?: number, references = beside): DiskImage {
    return openImage(new MemorySource(bytes), { references, disk });
  }

  test('is read with the disks that lie beside it', () => {
    const descriptor = ovf([FIRST, SECOND]);
    for (const disk of [1, 2]) expectBytes(open(descriptor, disk), readFileSync(folder.file('disk.raw')));
    expect(open(descriptor).facts).toMatchObject({
      format: 'ovf',
      virtual_size: 3_000_320,
      file_size: descriptor.length,
      chain: ['first.vmdk'],
      warnings: ['archive has 2 disks: this is the first'],
      details: { disk: 1, disks: [{ id: 'd0' }, { id: 'd1' }], machines: [{ name: 'web' }], image: { format: 'vmdk' } },
    });
  });

  test('names disks that name others', () => {
    const image = open(ovf([{ file: 'overlay.qcow2', format: '' }]));
    expectBytes(image, readFileSync(folder.file('disk.raw')));
    expect(image.facts.chain).toEqual(['overlay.qcow2', 'second.qcow2']);
  });

  test.each([
    ['a byte order mark', '\ufeff<?xml version="1.0"?>\n'],
    ['a comment', '<!-- exported -->\n'],
    ['nothing', ''],
    ['empty lines', '\n\r\n '],
  ])('is known with %s in front', (_, head) => {
    expect(open(ovf([FIRST], head)).facts.format).toBe('ovf');
  });

  test.each([
    ['XML of another kind', '<?xml version="1.0"?><domain type="kvm"/>'],
    ['text that only tells of it', 'see http://schemas.dmtf.org/ovf/envelope/1 <Envelope>'],
  ])('is not taken for %s', (_, text) => {
    expect(open(Buffer.from(text.padEnd(1024))).facts.format).toBe('raw');
  });

  test('opens nothing that the policy denies', () => {
    const denied = expect.objectContaining({ kind: 'denied', message: expect.stringContaining('first.vmdk') });
    expect(() => open(ovf([FIRST]), 1, denyReferences)).toThrow(denied);
  });

  test.each(['http://host/disk.vmdk', 'json:{}', 'file:/etc/passwd', ''])('asks no policy for %j', (file) => {
    const asked: string[] = [];
    const references: ReferenceOpener = {
      open(name) {
        asked.push(name);
        throw new DiskError('io', 'Cannot open');
      },
    };
    expect(() => open(ovf([{ file, format: '' }]), 1, references)).toThrow(expect.objectContaining({ kind: 'denied' }));
    expect(asked).toEqual([]);
  });

  test.each([
    ['a disk that it does not have', ovf([FIRST]), 2, 'not-found'],
    ['a disk of another format than it says', ovf([{ ...FIRST, file: 'second.qcow2' }]), 1, 'corrupt'],
    ['a disk that has to be unpacked', ovf([{ ...FIRST, more: 'ovf:compression="gzip"' }]), 1, 'unsupported'],
    ['a disk in parts', ovf([{ ...FIRST, more: 'ovf:chunkSize="1000"' }]), 1, 'unsupported'],
    ['itself', Buffer.concat([ovf([{ file: 'self', format: '' }])]), 1, 'corrupt'],
    ['no end of it', Buffer.concat([ovf([FIRST]), Buffer.alloc(4 * 2 ** 20, ' ')]), 1, 'corrupt'],
  ] as const)('refuses %s', (_, descriptor, disk, kind) => {
    const references: ReferenceOpener = {
      open: (name, from) => (name === 'self' ? new MemorySource(descriptor) : beside.open(name, from)),
    };
    expect(() => open(descriptor, disk, references)).toThrow(expect.objectContaining({ name: 'DiskError', kind }));
  });

  test('that was changed ends in a DiskError or is opened', () => {
    const descriptor = ovf([FIRST]);
    const random = seededRandom(31);
    for (let round = 0; round < 200; round++) {
      const changed = mutate(descriptor, [[0, descriptor.length]], random);
      expect(misbehaviour(() => open(changed).read(0, 512))).toBeUndefined();
    }
  });
});
