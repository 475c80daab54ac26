import { shownAddress } from '@guestkit/core/remote/address';
import type { RemoteUsage } from '@guestkit/core/remote/meter';
import type { ChainFile, Disk, PartitionTable } from '@guestkit/disk';
import { checkOvaManifest, type ManifestCheck } from '@guestkit/disk/ova-manifest';
import { renderFacts } from '@guestkit/operations/report/facts';
import { formatBytes } from '@guestkit/operations/report/size';
import { CommandError } from '../exit-code.ts';
import { print } from '../output/print.ts';
import { bootEntries } from './boot-entries.ts';
import type { InfoOptions } from './guestctl.ts';
import { signsOfUse } from './in-use.ts';
import { isListed, renderLists } from './info-lists.ts';
import { type ImageFile, withDisk } from './open-image.ts';

interface InfoDocument {
  readonly image: string;
  readonly format: string;
  readonly virtual_size: number;
  readonly file_size: number;
  readonly details: Readonly<Record<string, unknown>>;
  readonly chain: readonly string[];
  readonly partition_table: PartitionTable['scheme'] | 'none';
  readonly disk_id: string | null;
  readonly sector_size: number | null;
  readonly warnings: readonly string[];
  /** What suggests that a machine has the image open. */
  readonly in_use: readonly string[];
  /** With `--manifest`: what became of each file that the manifest of an archive lists. */
  readonly manifest?: readonly ManifestCheck[];
  /** With `--chain`: every file that the image is made of, itself first. */
  readonly files?: readonly FileEntry[];
  /** What was fetched, of a remote image. */
  readonly source?: RemoteUsage;
}

export interface FileEntry {
  /** As the file that refers to it spells it; the image itself as it was given. */
  readonly name: string;
  /** How many references lead to it. */
  readonly depth: number;
  /** Null of a file that holds bytes for the one that refers to it: an extent, an external data file. */
  readonly format: string | null;
  readonly virtual_size: number | null;
  readonly file_size: number;
  /** What it refers to in its turn. */
  readonly references: readonly string[];
}

export async function info(image: string, options: InfoOptions): Promise<void> {
  await withDisk(image, options, async (disk, file) => {
    const manifest = options.manifest === true ? checkManifest(disk, file) : undefined;
    const document = {
      ...describeImage(shownAddress(image), disk, file),
      ...(manifest === undefined ? {} : { manifest }),
      ...(options.chain === true ? { files: describeFiles(shownAddress(image), disk.files) } : {}),
      ...(file.usage === undefined ? {} : { source: file.usage }),
    };
    await print(options.output, document, render);
    refuseUnlike(manifest ?? []);
  });
}

/** Reads every file of an archive that its manifest lists. @throws CommandError where there is none */
function checkManifest({ image }: Disk, { source }: ImageFile): readonly ManifestCheck[] {
  const { format, details } = image.facts;
  if (details.has_manifest === true) return checkOvaManifest(source);
  const state = format === 'ova' ? 'the archive has none' : `the image is ${format}, expected an archive (OVA)`;
  throw new CommandError('not-found', `Cannot check the manifest: ${state}`);
}

function refuseUnlike(manifest: readonly ManifestCheck[]): void {
  const unlike = manifest.filter(({ result }) => result !== 'matches');
  if (unlike.length === 0) return;
  const states = unlike.map(({ file, result }) => `${JSON.stringify(file)} ${UNLIKE[result]}`).join(', ');
  throw new CommandError('corrupt', `Cannot vouch for the archive: of what its manifest lists, ${states}`);
}

const UNLIKE: Readonly<Record<ManifestCheck['result'], string>> = {
  matches: 'matches',
  differs: 'differs',
  missing: 'is missing',
};

function describeImage(path: string, disk: Disk, { hostFiles = [] }: ImageFile): InfoDocument {
  const { image, table, foreignTable } = disk;
  const boot = bootEntries(disk);
  const { format, virtual_size, file_size, details, chain, warnings } = image.facts;
  return {
    image: path,
    format,
    virtual_size,
    file_size,
    details: boot.entries.length > 0 ? { ...details, boot_entries: boot.entries } : details,
    chain,
    partition_table: table?.scheme ?? 'none',
    disk_id: table?.diskId || null,
    sector_size: table?.sectorSize ?? null,
    warnings: [
      ...warnings,
      ...(table?.warnings ?? []),
      ...(foreignTable === undefined ? [] : [`partition table is ${foreignTable}, which cannot be read yet`]),
      ...boot.warnings,
    ],
    in_use: signsOfUse(image.facts, hostFiles),
  };
}

function describeFiles(path: string, files: readonly ChainFile[]): readonly FileEntry[] {
  return files.map(({ name = path, depth, format = null, virtualSizeBytes = null, sizeBytes }, index) => {
    const place = { name, depth, format, virtual_size: virtualSizeBytes, file_size: sizeBytes };
    return { ...place, references: referencesOf(files, index) };
  });
}

/** What follows a file, one deeper, up to the next that is no deeper than itself. */
function referencesOf(files: readonly ChainFile[], index: number): readonly string[] {
  const { depth = 0 } = files[index] ?? {};
  const after = files.slice(index + 1);
  const end = after.findIndex((file) => file.depth <= depth);
  return (end === -1 ? after : after.slice(0, end))
    .filter((file) => file.depth === depth + 1)
    .flatMap(({ name }) => name ?? []);
}

function render(document: InfoDocument): string {
  const lines: readonly (readonly [string, string])[] = [
    ['image', document.image],
    ['format', document.format],
    ['virtual size', `${formatBytes(document.virtual_size)} (${document.virtual_size} bytes)`],
    ['file size', `${formatBytes(document.file_size)} (${document.file_size} bytes)`],
    ['partition table', document.partition_table],
    ...Object.entries(document.details)
      .filter(([, value]) => isTold(value))
      .map(([name, value]) => [name.replaceAll('_', ' '), detailText(value)] as const),
    ...(document.chain.length > 0 ? [['chain', document.chain.join(', then ')] as const] : []),
    ...document.warnings.map((text) => ['note', text] as const),
    ...document.in_use.map((text) => ['in use', text] as const),
  ];
  return [renderFacts(lines), ...renderLists(document)].join('\n');
}

/** What an image does not have needs no line, and a list has a table of its own. */
function isTold(value: unknown): boolean {
  return value !== null && !isListed(value) && !(Array.isArray(value) && value.length === 0);
}

function detailText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
