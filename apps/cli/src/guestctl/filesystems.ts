import { type Disk, type Partition, type PartitionTable, subvolumeDevice, type Volume } from '@guestkit/disk';
import { formatBytes } from '@guestkit/operations/report/size';
import { renderTable } from '@guestkit/operations/report/table';
import { print } from '../output/print.ts';
import type { ImageOptions } from './guestctl.ts';
import { note } from './note.ts';
import { withDisk } from './open-image.ts';
import { namedSubvolumes } from './subvolume.ts';

interface FilesystemsDocument {
  readonly format: string;
  readonly virtual_size: number;
  readonly partition_table: PartitionTable['scheme'] | 'none';
  readonly partitions: readonly PartitionEntry[];
  readonly filesystems: readonly FilesystemEntry[];
}

interface PartitionEntry {
  readonly device: string;
  readonly number: number;
  /** Bytes from the start of the disk. */
  readonly start: number;
  readonly size: number;
  /** Of a GPT. */
  readonly type_guid?: string;
  /** Of an MBR: `0x83`. */
  readonly type?: string;
  /** What the type means, where that is known. */
  readonly type_name: string | null;
  readonly name: string | null;
}

interface FilesystemEntry {
  readonly device: string;
  readonly type: string;
  readonly label: string | null;
  readonly uuid: string | null;
  /** Of the volume, in bytes. */
  readonly size: number;
}

export async function filesystems(image: string, options: ImageOptions): Promise<void> {
  await withDisk(image, options, async (disk) => {
    await print(options.output, describeFilesystems(disk), render);
    note(options, [...disk.image.facts.warnings, ...(disk.table?.warnings ?? []), ...disk.volumes.flatMap(warningsOf)]);
  });
}

export function describeFilesystems({ image, table, volumes }: Disk): FilesystemsDocument {
  return {
    format: image.facts.format,
    virtual_size: image.facts.virtual_size,
    partition_table: table?.scheme ?? 'none',
    partitions: table?.partitions.map((partition) => toPartitionEntry(partition, table.scheme)) ?? [],
    filesystems: volumes.flatMap(toFilesystemEntry),
  };
}

function toPartitionEntry(partition: Partition, scheme: PartitionTable['scheme']): PartitionEntry {
  const { number, startBytes, sizeBytes, type, typeName, name } = partition;
  const kind = scheme === 'gpt' ? { type_guid: type } : { type };
  const names = { type_name: typeName ?? null, name: name ?? null };
  return { device: `/dev/sda${number}`, number, start: startBytes, size: sizeBytes, ...kind, ...names };
}

function toFilesystemEntry(volume: Volume): readonly FilesystemEntry[] {
  const { device, signature, source } = volume;
  if (signature === undefined) return [];
  const { type, label, uuid } = signature;
  const entry = { device, type, label: label ?? null, uuid: uuid ?? null, size: source.sizeBytes };
  return [entry, ...namedSubvolumes(volume).map(({ path }) => ({ ...entry, device: subvolumeDevice(device, path) }))];
}

function warningsOf({ device, fileSystem, error }: Volume): readonly string[] {
  const warnings = (fileSystem?.warnings ?? []).map((text) => `${device}: ${text}`);
  return error === undefined ? warnings : [...warnings, error.message];
}

function render(document: FilesystemsDocument): string {
  const { format, virtual_size, partition_table, partitions, filesystems } = document;
  const head = `${format}, ${formatBytes(virtual_size)}, partition table: ${partition_table}\n`;
  return [head, ...renderPartitions(partitions), ...renderFilesystems(filesystems)].join('\n');
}

function renderPartitions(partitions: readonly PartitionEntry[]): readonly string[] {
  if (partitions.length === 0) return [];
  return [
    renderTable(
      [
        { title: 'PARTITION', cell: (entry) => entry.device },
        { title: 'START', align: 'right', cell: (entry) => entry.start },
        { title: 'SIZE', align: 'right', cell: (entry) => formatBytes(entry.size) },
        { title: 'TYPE', cell: typeText },
        { title: 'NAME', cell: (entry) => entry.name },
      ],
      partitions,
    ),
  ];
}

function typeText({ type_guid, type, type_name }: PartitionEntry): string {
  const code = type_guid ?? type ?? '';
  return type_name === null ? code : `${code} (${type_name})`;
}

function renderFilesystems(filesystems: readonly FilesystemEntry[]): readonly string[] {
  if (filesystems.length === 0) return ['No filesystems found\n'];
  return [
    renderTable(
      [
        { title: 'FILESYSTEM', cell: (entry) => entry.device },
        { title: 'TYPE', cell: (entry) => entry.type },
        { title: 'SIZE', align: 'right', cell: (entry) => formatBytes(entry.size) },
        { title: 'LABEL', cell: (entry) => entry.label },
        { title: 'UUID', cell: (entry) => entry.uuid },
      ],
      filesystems,
    ),
  ];
}
