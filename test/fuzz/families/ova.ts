import { cowd } from '../../../packages/disk/src/image/vmdk/testing.ts';
import type { Edit } from '../../../packages/disk/src/testing/edits.ts';
import type { Family } from '../family.ts';
import { readDisk } from '../read-disk.ts';
import { fromCorpus } from './images.ts';

const BLOCK = 512;

export const OVA: Family = {
  name: 'ova',
  seeds: () => [
    { name: 'made', bytes: tar({ 'vm.ovf': Buffer.from(OVF), 'disk.vmdk': DISK }) },
    { name: 'descriptor', bytes: Buffer.from(OVF), files: { 'disk.vmdk': DISK } },
    ...fromCorpus('formats/**/*.ova'),
  ],
  read: readDisk,
  seal: sealTar,
};

const DISK = cowd({ 0: Buffer.alloc(BLOCK, 1), 9: Buffer.alloc(BLOCK, 2) }, 64);
const OVF = `<?xml version="1.0"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">
  <References><File ovf:id="file1" ovf:href="disk.vmdk" ovf:size="${DISK.length}"/></References>
  <DiskSection><Info/><Disk ovf:diskId="disk1" ovf:fileRef="file1" ovf:capacity="32" ovf:capacityAllocationUnits="byte * 2^10"
    ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#sparse"/></DiskSection>
  <VirtualSystem ovf:id="vm"><Name>vm</Name><VirtualHardwareSection>
    <Item><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>4</rasd:VirtualQuantity></Item>
    <Item><rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits><rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>512</rasd:VirtualQuantity></Item>
  </VirtualHardwareSection></VirtualSystem>
</Envelope>`;

function tar(files: Readonly<Record<string, Buffer>>): Buffer {
  const parts = Object.entries(files).flatMap(([name, content]) => [tarHeader(name, content.length), padded(content)]);
  const bytes = Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
  for (const { at, bytes: sum } of sealTar(bytes)) bytes.set(sum, at);
  return bytes;
}

function tarHeader(name: string, sizeBytes: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.write(name);
  header.write('0000644\0', 100);
  header.write(`${sizeBytes.toString(8).padStart(11, '0')} `, 124);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  return header;
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, Buffer.alloc(-content.length & (BLOCK - 1))]);
}

/** The checksum of every block that looks like a header. */
function sealTar(bytes: Uint8Array): readonly Edit[] {
  const edits: Edit[] = [];
  for (let at = 0; at + BLOCK <= bytes.length; at += BLOCK) {
    if (Buffer.from(bytes.subarray(at + 257, at + 262)).toString('latin1') !== 'ustar') continue;
    const header = Buffer.from(bytes.subarray(at, at + BLOCK)).fill(' ', 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    edits.push({ at: at + 148, bytes: Buffer.from(`${sum.toString(8).padStart(6, '0')}\0 `) });
  }
  return edits;
}
