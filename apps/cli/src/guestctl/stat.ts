import type { FileNode } from '@guestkit/disk';
import { renderFacts } from '@guestkit/operations/report/facts';
import { CommandError } from '../exit-code.ts';
import { print } from '../output/print.ts';
import { type FileEntry, requireAbsolute, toEntry } from './file-entry.ts';
import { toRfc3339 } from './file-time.ts';
import type { TreeOptions } from './guestctl.ts';
import { withTree } from './tree.ts';
import { Unreadable } from './unreadable.ts';

export interface StatOptions extends TreeOptions {
  readonly dereference?: true;
}

/** All that a filesystem keeps of a file, but for its content. */
interface FileFacts extends FileEntry {
  readonly links: number;
  readonly inode: number;
  readonly device: { readonly major: number; readonly minor: number } | null;
  readonly mtime: string | null;
  readonly ctime: string | null;
  readonly atime: string | null;
  /** null where the format keeps none. */
  readonly crtime: string | null;
  /** Values in hexadecimal, sorted by name. */
  readonly xattrs: Readonly<Record<string, string>>;
  /** Sizes of named streams beside the content. */
  readonly streams: Readonly<Record<string, number>>;
}

export async function stat(image: string, path: string, options: StatOptions): Promise<void> {
  requireAbsolute(path);
  await withTree(image, options, async (tree) => {
    const node = options.dereference === true ? tree.find(path) : tree.findLink(path);
    if (node === undefined) {
      throw new CommandError('not-found', `Cannot find "${path}" in the image: there is no such file`);
    }
    const unreadable = new Unreadable();
    await print(options.output, toFacts(path, node, unreadable), render);
    unreadable.conclude(path);
  });
}

function toFacts(path: string, node: FileNode, unreadable: Unreadable): FileFacts {
  const { links, inode, device, modifiedAt, changedAt, accessedAt, createdAt } = node.stat;
  const xattrs = unreadable.attempt(path, () => node.xattrs()) ?? new Map();
  const streams = unreadable.attempt(path, () => node.streams?.()) ?? new Map();
  return {
    ...toEntry({ path, node }, unreadable),
    links,
    inode,
    device: device ?? null,
    mtime: toRfc3339(modifiedAt),
    ctime: toRfc3339(changedAt),
    atime: toRfc3339(accessedAt),
    crtime: createdAt === undefined ? null : toRfc3339(createdAt),
    xattrs: sorted(xattrs, (value) => Buffer.from(value).toString('hex')),
    streams: sorted(streams, ({ sizeBytes }) => sizeBytes),
  };
}

/** Names come from the image: an object with a prototype would take some of them for its own. */
function sorted<V, R>(values: ReadonlyMap<string, V>, render: (value: V) => R): Readonly<Record<string, R>> {
  const record: Record<string, R> = Object.create(null);
  for (const name of [...values.keys()].sort()) record[name] = render(values.get(name) as V);
  return record;
}

function render({ target, device, xattrs, streams, ...facts }: FileFacts): string {
  return renderFacts([
    ...Object.entries(facts),
    ['target', target],
    ['device', device && `${device.major}, ${device.minor}`],
    ...Object.entries(xattrs).map(([name, value]) => [name, `0x${value}`] as const),
    ...Object.entries(streams).map(([name, size]) => [`:${name}`, size] as const),
  ]);
}
