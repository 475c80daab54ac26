import type { ManifestCheck } from '@guestkit/disk/ova-manifest';
import { formatBytes } from '@guestkit/operations/report/size';
import { type Column, renderTable } from '@guestkit/operations/report/table';
import type { FileEntry } from './info.ts';

type Row = Readonly<Record<string, unknown>>;

/** A detail that is a list of things: snapshots, bitmaps, disks of an archive, machines and what they are made of. */
export function isListed(value: unknown): value is readonly Row[] {
  return Array.isArray(value) && value.length > 0 && value.every((row) => typeof row === 'object' && row !== null);
}

interface Listed {
  readonly details: Readonly<Record<string, unknown>>;
  readonly manifest?: readonly ManifestCheck[];
  readonly files?: readonly FileEntry[];
}

/** The lists of an image, each as a table under its name. */
export function renderLists({ details, manifest = [], files }: Listed): readonly string[] {
  return [...listsOf({ ...details, manifest }), ...(files === undefined ? [] : [renderFiles(files)])];
}

function listsOf(details: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(details).flatMap(([name, value]) => (isListed(value) ? renderList(name, value) : []));
}

/** What the things of a list have lists of in their turn comes below it. */
function renderList(name: string, rows: readonly Row[]): readonly string[] {
  const keys = Object.keys(rows[0] ?? {}).filter((key) => !rows.some((row) => isListed(row[key])));
  const columns = keys.map((key): Column<Row> => {
    const align = typeof rows[0]?.[key] === 'number' ? 'right' : 'left';
    return { title: key.replaceAll('_', ' ').toUpperCase(), align, cell: (row) => cellOf(key, row[key]) };
  });
  const title = `${name.replaceAll('_', ' ')}:\n`;
  return [`${title}${renderTable(columns, rows)}`, ...rows.flatMap((row) => listsOf(row))];
}

const SIZES: ReadonlySet<string> = new Set(['virtual_size', 'vm_state_size', 'granularity', 'capacity', 'memory']);

function cellOf(key: string, value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number' && SIZES.has(key)) return formatBytes(value);
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function renderFiles(files: readonly FileEntry[]): string {
  const sizeOf = (size: number | null) => (size === null ? null : formatBytes(size));
  const columns: readonly Column<FileEntry>[] = [
    { title: 'FILE', cell: ({ name, depth }) => `${'  '.repeat(depth)}${name}` },
    { title: 'FORMAT', cell: ({ format }) => format },
    { title: 'VIRTUAL SIZE', align: 'right', cell: ({ virtual_size }) => sizeOf(virtual_size) },
    { title: 'FILE SIZE', align: 'right', cell: ({ file_size }) => sizeOf(file_size) },
    { title: 'REFERS TO', cell: ({ references }) => references.join(', ') },
  ];
  return `files:\n${renderTable(columns, files)}`;
}
