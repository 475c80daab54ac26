import { DiskError } from '../../error.ts';
import { quote } from '../../quote.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { WindowSource } from '../../source/window-source.ts';
import type { DiskImage, ImageContext, ImageFacts, ReferenceOpener } from '../image.ts';
import { ChunkedSource } from './chunked-source.ts';
import { type OvfDescriptor, type OvfFile, readDescriptor } from './descriptor.ts';
import { corrupt, unsupported } from './error.ts';
import { LIMIT } from './layout.ts';
import { checkLine, readManifest } from './manifest.ts';
import { capacityWarnings, claimedBy, detailsOf, findFile, selectDisk, selectionWarnings } from './selection.ts';
import { readTar, type TarMember } from './tar.ts';

/** Opens one disk of an archive where it lies in it. */
export function openOva(source: ByteSource, context: ImageContext): DiskImage {
  const members = readTar(source);
  const descriptor = findDescriptor(members);
  const ovf = readDescriptor(textOf(source, descriptor), descriptor.offset);
  const number = context.disk ?? 1;
  const disk = selectDisk(ovf, number, descriptor.offset);
  const file = findFile(disk, descriptor.offset);
  const image = context.openWithin(file.href, sourceOf(source, members, file, descriptor), {
    claimedFormat: claimedBy(disk),
    references: within(source, members),
  });
  const warnings = [
    ...manifestWarnings(source, members, descriptor),
    ...selectionWarnings(ovf, context.disk),
    ...capacityWarnings(disk, image),
  ];
  return {
    sizeBytes: image.sizeBytes,
    facts: ovaFacts({ source, members, ovf, number, file, image, warnings }),
    read: (offset, length) => image.read(offset, length),
    extents: (from, to) => image.extents(from, to),
  };
}

function findDescriptor(members: ReadonlyMap<string, TarMember>): TarMember {
  const [descriptor, another] = [...members.values()].filter(({ name }) => name.toLowerCase().endsWith('.ovf'));
  if (descriptor === undefined) {
    const isXva = members.has('ova.xml');
    throw unsupported('archive', isXva ? 'it is an export of XenServer (XVA)' : 'it holds no OVF descriptor', 0);
  }
  if (another !== undefined) throw corrupt('archive', `it holds two descriptors, expected one`, another.offset);
  if (descriptor.isSparse || descriptor.sizeBytes > LIMIT.descriptorBytes) {
    const state = `it has ${descriptor.sizeBytes} bytes, expected at most ${LIMIT.descriptorBytes}`;
    throw corrupt('descriptor', state, descriptor.offset);
  }
  return descriptor;
}

function textOf(source: ByteSource, { offset, sizeBytes }: TarMember): string {
  return new TextDecoder().decode(source.read(offset, sizeBytes));
}

/** The file of a disk where it lies in the archive, its parts put together. */
function sourceOf(
  source: ByteSource,
  members: ReadonlyMap<string, TarMember>,
  { href, chunkSize }: OvfFile,
  { offset }: TarMember,
): ByteSource {
  const name = href.replace(/^(\.\/)+/, '');
  const parts = chunkSize === undefined ? [members.get(name)] : partsOf(members, name);
  const [first, ...more] = parts.filter((part) => part !== undefined).map((part) => windowOf(source, part));
  if (first === undefined) {
    // a URL, or a file beside the archive: nothing outside is ever opened
    const message = `Cannot open disk file ${quote(href)}: it is not in the archive`;
    throw new DiskError('not-found', message, { format: 'ova', offset });
  }
  if (more.length === 0) return first;
  const isEven = more.slice(0, -1).every(({ sizeBytes }) => sizeBytes === first.sizeBytes);
  if (String(first.sizeBytes) !== chunkSize || !isEven || (more.at(-1)?.sizeBytes ?? 0) > first.sizeBytes) {
    throw corrupt('disk', `${quote(href)} is in parts that have not the size that is given for them`, offset);
  }
  return new ChunkedSource([first, ...more], first.sizeBytes);
}

/** `disk.vmdk.000000000`, `disk.vmdk.000000001` … */
function partsOf(members: ReadonlyMap<string, TarMember>, name: string): readonly TarMember[] {
  const parts: TarMember[] = [];
  for (;;) {
    const part = members.get(`${name}.${String(parts.length).padStart(9, '0')}`);
    if (part === undefined) return parts;
    parts.push(part);
  }
}

function windowOf(source: ByteSource, { name, offset, sizeBytes, isSparse }: TarMember): ByteSource {
  if (isSparse) throw unsupported('disk', `${quote(name)} is stored without its holes`, offset);
  return new WindowSource(source, offset, sizeBytes);
}

/** What a disk of the archive refers to must be in the archive. */
function within(source: ByteSource, members: ReadonlyMap<string, TarMember>): ReferenceOpener {
  return {
    open(name) {
      const member = members.get(name.replace(/^(\.\/)+/, ''));
      if (member !== undefined) return windowOf(source, member);
      throw new DiskError('denied', `Cannot open reference ${quote(name)}: it is not in the archive`, {
        format: 'ova',
      });
    },
  };
}

/** Of the descriptor only: to read every disk is for those who ask for it. */
function manifestWarnings(source: ByteSource, members: ReadonlyMap<string, TarMember>, descriptor: TarMember) {
  const line = readManifest(source, members).find(({ file }) => file === descriptor.name);
  const differs = line !== undefined && checkLine(source, members, line).result !== 'matches';
  return differs ? ['descriptor is not the one that the manifest was made for'] : [];
}

interface OvaParts {
  readonly source: ByteSource;
  readonly members: ReadonlyMap<string, TarMember>;
  readonly ovf: OvfDescriptor;
  readonly number: number;
  readonly file: OvfFile;
  readonly image: DiskImage;
  readonly warnings: readonly string[];
}

function ovaFacts({ source, members, ovf, number, file, image, warnings }: OvaParts): ImageFacts {
  const names = [...members.keys()].map((name) => name.toLowerCase());
  return {
    format: 'ova',
    virtual_size: image.sizeBytes,
    file_size: source.sizeBytes,
    details: {
      ...detailsOf(ovf, number),
      has_manifest: names.some((name) => name.endsWith('.mf')),
      has_certificate: names.some((name) => name.endsWith('.cert')),
      image: { format: image.facts.format, ...image.facts.details },
    },
    chain: [file.href, ...image.facts.chain],
    warnings: [...warnings, ...image.facts.warnings],
  };
}
