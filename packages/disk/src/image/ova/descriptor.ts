import { readHardware, type VirtualSystem } from './hardware.ts';
import { sizeOf } from './units.ts';
import { readXml, type XmlElement } from './xml.ts';

/** What an OVF descriptor (DMTF DSP0243) says. */
export interface OvfDescriptor {
  readonly disks: readonly OvfDisk[];
  readonly systems: readonly VirtualSystem[];
}

/** A disk of the descriptor, in the order it lists them. */
export interface OvfDisk {
  readonly id: string;
  readonly capacity: number | undefined;
  /** A URI that names the format. */
  readonly format: string | undefined;
  /** `undefined` when the disk is blank, and no file is there. */
  readonly file: OvfFile | undefined;
}

export interface OvfFile {
  readonly href: string;
  readonly compression: string | undefined;
  /** The file is in parts of this size. */
  readonly chunkSize: string | undefined;
}

export function readDescriptor(document: string, offset: number): OvfDescriptor {
  const envelope = readXml(document, offset);
  const files = readFiles(envelope);
  const disks = all(envelope, 'DiskSection')
    .flatMap((section) => all(section, 'Disk'))
    .map((disk) => readDisk(disk, files));
  return { disks, systems: systemsOf(envelope).map(readHardware) };
}

function readFiles(envelope: XmlElement): ReadonlyMap<string, OvfFile> {
  const files = all(envelope, 'References').flatMap((references) => all(references, 'File'));
  return new Map(
    files.map(({ attributes }) => {
      const file = {
        href: attributes.get('href') ?? '',
        compression: attributes.get('compression') ?? undefined,
        chunkSize: attributes.get('chunkSize') ?? undefined,
      };
      return [attributes.get('id') ?? '', file];
    }),
  );
}

function readDisk({ attributes }: XmlElement, files: ReadonlyMap<string, OvfFile>): OvfDisk {
  const reference = attributes.get('fileRef');
  return {
    id: attributes.get('diskId') ?? '',
    capacity: sizeOf(attributes.get('capacity'), attributes.get('capacityAllocationUnits') ?? 'byte'),
    format: attributes.get('format'),
    file:
      reference === undefined
        ? undefined
        : (files.get(reference) ?? { href: '', compression: undefined, chunkSize: undefined }),
  };
}

/** The machines of an envelope, those in collections too. */
function systemsOf(element: XmlElement): readonly XmlElement[] {
  const collections = all(element, 'VirtualSystemCollection');
  return [...all(element, 'VirtualSystem'), ...collections.flatMap(systemsOf)];
}

function all(element: XmlElement, name: string): readonly XmlElement[] {
  return element.children.filter((child) => child.name === name);
}
