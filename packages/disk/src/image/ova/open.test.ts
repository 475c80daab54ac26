import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DiskErrorKind } from '../../error.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { corpusAbsent, corpusFiles, readCorpus } from '../../testing/corpus.ts';
import { misbehaviour, mutate, seededRandom } from '../../testing/mutation.ts';
import { expectBytes, QemuFolder, writeStructured } from '../../testing/qemu.ts';
import type { DiskImage } from '../image.ts';
import { openImage } from '../open.ts';
import { denyReferences } from '../references.ts';
import { checkOvaManifest } from './manifest.ts';

const folder = new QemuFolder();

beforeAll(() => {
  writeStructured(folder.file('first.raw'), 3_000_320, 100_000);
  writeStructured(folder.file('second.raw'), 1_048_576, 50_000);
  folder.img('convert', '-f', 'raw', '-O', 'vpc', '-o', 'force_size=on', 'first.raw', 'first.vhd');
  folder.img('convert', '-f', 'raw', '-O', 'qcow2', '-c', 'second.raw', 'second.qcow2');
});

afterAll(() => folder.remove());

const VHD = 'http://go.microsoft.com/fwlink/?LinkId=137171#vhd';
const QCOW2 = 'http://www.gnome.org/~markmc/qcow-image-format.html';

interface Entry {
  readonly file: string;
  readonly capacity?: number;
  readonly format?: string;
  /** More attributes of the file. */
  readonly more?: string;
}

const FIRST: Entry = { file: 'first.vhd', capacity: 3_000_320, format: VHD };
const SECOND: Entry = { file: 'second.qcow2', capacity: 1_048_576, format: QCOW2 };

function ovf(entries: readonly Entry[]): string {
  const files = entries.map(({ file, more = '' }, index) => `<File ovf:id="file${index}" ovf:href="${file}" ${more}/>`);
  const disks = entries.map(({ capacity = 0, format = '' }, index) => {
    return `<Disk ovf:diskId="disk${index}" ovf:fileRef="file${index}" ovf:capacity="${capacity}" ovf:format="${format}"/>`;
  });
  return `<?xml version="1.0"?>
<!-- made by a test -->
<ovf:Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">
  <References>${files.join('')}</References>
  <DiskSection><Info>disks</Info>${disks.join('')}</DiskSection>
  <VirtualSystem ovf:id="vm">
    <Name>Ben &amp; Jerry&#39;s</Name>
    <OperatingSystemSection ovf:id="94" vmw:osType="ubuntu64Guest"/>
    <VirtualHardwareSection>
      <System><vssd:VirtualSystemType>vmx-19</vssd:VirtualSystemType></System>
      <Item><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>4</rasd:VirtualQuantity></Item>
      <Item><rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits><rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>2048</rasd:VirtualQuantity></Item>
      <Item><rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceSubType>VirtualSCSI</rasd:ResourceSubType><rasd:ResourceType>6</rasd:ResourceType></Item>
      <Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:HostResource>ovf:/disk/disk0</rasd:HostResource><rasd:Parent>3</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>
      <Item><rasd:Connection>VM Network</rasd:Connection><rasd:ElementName>Ethernet 1</rasd:ElementName><rasd:ResourceSubType>VmxNet3</rasd:ResourceSubType><rasd:ResourceType>10</rasd:ResourceType></Item>
      <vmw:Config vmw:key="firmware" vmw:value="efi"/>
      <vmw:Config vmw:key="uefi.secureBoot.enabled" vmw:value="true"/>
    </VirtualHardwareSection>
  </VirtualSystem>
</ovf:Envelope>`;
}

/** Packs files with tar, the descriptor first. */
function pack(descriptor: string, files: readonly string[], ...options: readonly string[]): Buffer {
  writeFileSync(folder.file('machine.ovf'), descriptor);
  execFileSync('tar', ['-cf', 'machine.ova', '--format=ustar', ...options, 'machine.ovf', ...files], {
    cwd: folder.path,
  });
  return readFileSync(folder.file('machine.ova'));
}

function open(bytes: Uint8Array, disk?: number): DiskImage {
  const options = { claimedFormat: 'ova', references: denyReferences, ...(disk === undefined ? {} : { disk }) };
  return openImage(new MemorySource(bytes), options);
}

function manifest(algorithm: string, ...files: readonly string[]): string {
  const digest = (file: string) =>
    createHash(algorithm)
      .update(readFileSync(folder.file(file)))
      .digest('hex');
  return files.map((file) => `${algorithm.toUpperCase()}(${file})= ${digest(file)}\n`).join('');
}

describe('an OVA', () => {
  test('is read in place, disk by disk', () => {
    const bytes = pack(ovf([FIRST, SECOND]), ['first.vhd', 'second.qcow2']);
    expectBytes(open(bytes, 1), readFileSync(folder.file('first.raw')));
    expectBytes(open(bytes, 2), readFileSync(folder.file('second.raw')));
    expect(open(bytes).facts.warnings).toEqual(['archive has 2 disks: this is the first']);
    expect(open(bytes, 2).facts).toMatchObject({
      format: 'ova',
      virtual_size: 1_048_576,
      file_size: bytes.length,
      chain: ['second.qcow2'],
      warnings: [],
      details: { disk: 2, image: { format: 'qcow2' }, has_manifest: false, has_certificate: false },
    });
    const alone = new MemorySource(readFileSync(folder.file('first.vhd')));
    expect([...open(bytes, 1).extents()]).toEqual([...openImage(alone, { references: denyReferences }).extents()]);
  });

  test('holds a VMDK as VMware exports it', () => {
    folder.img('convert', '-f', 'raw', '-O', 'vmdk', '-o', 'subformat=streamOptimized', 'first.raw', 'first.vmdk');
    const format = 'http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized';
    const image = open(pack(ovf([{ file: 'first.vmdk', format, capacity: 3_000_320 }]), ['first.vmdk']));
    expectBytes(image, readFileSync(folder.file('first.raw')));
    expect(image.facts).toMatchObject({ details: { image: { format: 'vmdk' } }, warnings: [] });
  });

  test('has disks in parts', () => {
    execFileSync('split', ['-b', '100k', '-d', '-a', '9', 'second.qcow2', 'second.qcow2.'], { cwd: folder.path });
    const parts = readdirSync(folder.path).filter((name) => /^second\.qcow2\.\d{9}$/.test(name));
    const bytes = pack(ovf([{ ...SECOND, more: 'ovf:chunkSize="102400"' }]), parts);
    expect(parts.length).toBeGreaterThan(2);
    expectBytes(open(bytes), readFileSync(folder.file('second.raw')));
  });

  test('tells of the machine', () => {
    const { details } = open(pack(ovf([FIRST]), ['first.vhd'])).facts;
    expect(details.disks).toEqual([{ disk: 1, id: 'disk0', file: 'first.vhd', capacity: 3_000_320, format: VHD }]);
    expect(details.machines).toEqual([
      {
        name: "Ben & Jerry's",
        guest: 'ubuntu64Guest',
        hardware: 'vmx-19',
        cpus: 4,
        memory: 2 ** 31,
        firmware: 'efi',
        secure_boot: true,
        controllers: [{ id: '3', bus: 'scsi', model: 'VirtualSCSI' }],
        disks: [{ disk_id: 'disk0', controller: '3', address: '0' }],
        networks: [{ name: 'Ethernet 1', model: 'VmxNet3', network: 'VM Network' }],
      },
    ]);
  });

  test.each(['ustar', 'gnu', 'oldgnu', 'pax'])('is read as tar writes it: %s', (format) => {
    const name = `${'long-'.repeat(30)}name.vhd`;
    mkdirSync(folder.file('sub'), { recursive: true });
    const file = format === 'ustar' ? `sub/${name.slice(60)}` : `sub/${name}`;
    writeFileSync(folder.file(file), readFileSync(folder.file('first.vhd')));
    const bytes = pack(ovf([{ ...FIRST, file }]), [file], `--format=${format}`);
    expectBytes(open(bytes), readFileSync(folder.file('first.raw')));
    rmSync(folder.file(file));
  });

  test('with a size in base 256 is read', () => {
    const bytes = pack(ovf([FIRST]), ['first.vhd']);
    const at = bytes.indexOf('first.vhd\0');
    const size = Number.parseInt(bytes.toString('latin1', at + 124, at + 135), 8);
    bytes.fill(0, at + 124, at + 136);
    bytes.writeUInt8(0x80, at + 124);
    bytes.writeUInt32BE(size, at + 132);
    expectBytes(open(sealed(bytes, at)), readFileSync(folder.file('first.raw')));
  });

  test.each(['sha1', 'sha256', 'sha512'])('is checked against its manifest: %s', (algorithm) => {
    writeFileSync(folder.file('machine.ovf'), ovf([FIRST]));
    writeFileSync(folder.file('machine.mf'), manifest(algorithm, 'machine.ovf', 'first.vhd'));
    const bytes = pack(ovf([FIRST]), ['machine.mf', 'first.vhd']);
    expect(checkOvaManifest(new MemorySource(bytes)).map(({ file, result }) => [file, result])).toEqual([
      ['machine.ovf', 'matches'],
      ['first.vhd', 'matches'],
    ]);
    expect(open(bytes).facts).toMatchObject({ details: { has_manifest: true }, warnings: [] });
    bytes.writeUInt8(bytes.readUInt8(bytes.indexOf('vmx-19')) ^ 1, bytes.indexOf('vmx-19'));
    expect(checkOvaManifest(new MemorySource(bytes))[0]).toMatchObject({ result: 'differs' });
    expect(open(bytes).facts.warnings).toEqual([expect.stringContaining('descriptor is not the one')]);
  });

  test('tells of a capacity that is not that of the disk', () => {
    const bytes = pack(ovf([{ ...FIRST, capacity: 1 }]), ['first.vhd']);
    expect(open(bytes).facts.warnings).toEqual(['descriptor gives the disk 1 bytes, it has 3000320']);
  });

  test('opens nothing outside itself', () => {
    folder.img('create', '-q', '-f', 'qcow2', '-b', 'second.qcow2', '-F', 'qcow2', 'over.qcow2');
    const entry = { ...SECOND, file: 'over.qcow2' };
    const whole = open(pack(ovf([entry]), ['over.qcow2', 'second.qcow2']));
    expectBytes(whole, readFileSync(folder.file('second.raw')));
    expect(whole.facts.chain).toEqual(['over.qcow2', 'second.qcow2']);
    expect(() => open(pack(ovf([entry]), ['over.qcow2']))).toThrow(expect.objectContaining({ kind: 'denied' }));
  });

  interface Refused {
    readonly what: string;
    readonly kind: DiskErrorKind;
    readonly entries: readonly Entry[];
    readonly files: readonly string[];
    readonly options?: readonly string[];
  }

  const REFUSED: readonly Refused[] = [
    { what: 'no disks', kind: 'not-found', entries: [], files: [] },
    { what: 'a file that is not there', kind: 'not-found', entries: [FIRST], files: [] },
    { what: 'a file elsewhere', kind: 'not-found', entries: [{ file: 'http://host/disk.vmdk' }], files: [] },
    { what: 'a path upwards', kind: 'not-found', entries: [{ file: '../first.vhd' }], files: ['first.vhd'] },
    {
      what: 'another format than it says',
      kind: 'corrupt',
      entries: [{ ...FIRST, format: QCOW2 }],
      files: ['first.vhd'],
    },
    {
      what: 'a compressed disk',
      kind: 'unsupported',
      entries: [{ ...FIRST, more: 'ovf:compression="gzip"' }],
      files: ['first.vhd'],
    },
    {
      what: 'parts that are not there',
      kind: 'not-found',
      entries: [{ ...FIRST, more: 'ovf:chunkSize="65536"' }],
      files: ['first.vhd'],
    },
    {
      what: 'parts of another size',
      kind: 'corrupt',
      entries: [{ ...SECOND, file: 'part', more: 'ovf:chunkSize="512"' }],
      files: ['part.000000000', 'part.000000001'],
    },
    {
      what: 'a file twice',
      kind: 'corrupt',
      entries: [FIRST],
      files: ['first.vhd', 'first.vhd'],
      options: ['--hard-dereference'],
    },
    {
      what: 'a file without its holes',
      kind: 'unsupported',
      entries: [{ file: 'sparse.raw' }],
      files: ['sparse.raw'],
      options: ['-S', '--format=gnu'],
    },
    {
      what: 'one without its holes, the new way',
      kind: 'unsupported',
      entries: [{ file: 'sparse.raw' }],
      files: ['sparse.raw'],
      options: ['-S', '--format=pax'],
    },
  ];

  test.each(REFUSED)('with $what is refused', ({ kind, entries, files, options = [] }) => {
    execFileSync('truncate', ['-s', '4M', 'sparse.raw'], { cwd: folder.path });
    execFileSync('split', ['-b', '200k', '-d', '-a', '9', 'second.qcow2', 'part.'], { cwd: folder.path });
    const bytes = pack(ovf(entries), files, ...options);
    expect(() => open(bytes)).toThrow(expect.objectContaining({ name: 'DiskError', kind }));
  });

  test.each([0, 2, 1.5, -1])('has no disk number %s', (number) => {
    const bytes = pack(ovf([FIRST]), ['first.vhd']);
    expect(() => open(bytes, number)).toThrow(expect.objectContaining({ kind: 'not-found' }));
  });

  test('within an OVA within an OVA ends', () => {
    let archive = pack(ovf([FIRST]), ['first.vhd']);
    const nest = () => {
      writeFileSync(folder.file('inner.ova'), archive);
      return pack(ovf([{ file: 'inner.ova', capacity: 3_000_320 }]), ['inner.ova']);
    };
    for (let depth = 1; depth < 3; depth++) archive = nest();
    expect(open(archive).facts.chain).toEqual(['inner.ova', 'inner.ova', 'first.vhd']);
    archive = nest();
    expect(() => open(archive)).toThrow('Cannot open "first.vhd": it lies within 4 others, expected at most 3');
  });

  test.each([
    ['a document type', '<!DOCTYPE e [<!ENTITY a "aaaa">]><Envelope>&a;</Envelope>'],
    ['an entity that is not known', '<Envelope>&a;</Envelope>'],
    ['a tag that does not end', `<Envelope ${'a'.repeat(100_000)}`],
    ['attributes without end', `<Envelope ${'a="b" '.repeat(50_000)}`],
    ['a comment that does not end', '<Envelope><!-- '],
    ['elements that cross', '<Envelope><a></Envelope></a>'],
    ['an end without a start', '</Envelope>'],
    ['too deep elements', '<a>'.repeat(100_000)],
    ['too many elements', `<a>${'<b/>'.repeat(100_001)}</a>`],
    ['nothing', ''],
    ['no element', 'text'],
    ['blanks without end', ' '.repeat(1_000_000)],
  ])('with a descriptor of %s is refused', (_, descriptor) => {
    const bytes = pack(descriptor, []);
    expect(() => open(bytes)).toThrow(expect.objectContaining({ name: 'DiskError' }));
  });

  test('never ends in anything but a DiskError, whatever is changed', () => {
    const random = seededRandom(20_260_104);
    writeFileSync(folder.file('tiny.raw'), Buffer.alloc(4096, 'tiny'));
    const bytes = pack(ovf([{ file: 'tiny.raw' }]), ['tiny.raw'], '-b', '1');
    const second = bytes.indexOf('tiny.raw\0');
    const hot = [
      [0, 512],
      [512, 3500],
      [second, second + 512],
    ] as const;
    for (let round = 0; round < 1500; round++) {
      const changed = Buffer.from(mutate(bytes, hot, random));
      const isWhole = changed.length === bytes.length && round % 4 > 0;
      const hostile = isWhole ? sealed(sealed(changed, 0), second) : changed;
      expect(
        misbehaviour(() => {
          const image = openImage(new MemorySource(hostile), { references: denyReferences });
          image.read(0, Math.min(image.sizeBytes, 8192));
          checkOvaManifest(new MemorySource(hostile));
        }),
      ).toBeUndefined();
    }
  });
});

/** Makes the checksum of a tar header right. */
function sealed(bytes: Buffer, at: number): Buffer {
  bytes.fill(0x20, at + 148, at + 156);
  const sum = bytes.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0`, at + 148);
  return bytes;
}

describe.skipIf(corpusAbsent !== undefined)('OVA of the corpus', () => {
  test.each(corpusFiles('formats/**/*.ova'))('say that there is no disk in them: %s', (file) => {
    expect(() => open(readCorpus(file))).toThrow('Cannot open disk 1 of the archive: it has 0');
  });
});
