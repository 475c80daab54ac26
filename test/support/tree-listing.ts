import { createHash } from 'node:crypto';
import { type ByteSource, DiskError, type FileNode, type FileTree } from '@guestkit/disk';
import { type ListedFile, type ListingOptions, READ_BYTES, timeText } from './listed-file.ts';

export { listFolder } from './folder-listing.ts';
export type { ListedFile, ListingOptions } from './listed-file.ts';

/** Every file of a guest, as our reader shows it: folders before their content, sorted by the bytes of the names. */
export function listTree(tree: FileTree, options: ListingOptions = {}): ListedFile[] {
  const { onUnreadable } = options;
  const walk = tree.walk('/', onUnreadable === undefined ? {} : { onUnreadable });
  return [...walk].map(({ path, node }) => describeNode(path, node, options));
}

function describeNode(path: string, node: FileNode, options: ListingOptions): ListedFile {
  const { type, mode, uid, gid, sizeBytes, links, inode, device } = node.stat;
  const read = <T>(action: () => T): T | string => attempt(action, path, options);
  return {
    path,
    type,
    mode: mode.toString(8),
    uid,
    gid,
    size: sizeBytes,
    links,
    inode,
    ...timesOf(node),
    ...(type === 'file' && options.content !== false && { sha256: read(() => hashOf(node.open())) }),
    ...(type === 'symlink' && { target: read(() => node.readlink()) }),
    ...(device && { device: `${device.major}:${device.minor}` }),
    xattrs: attempt(() => namedValues(node.xattrs()), path, options) as Record<string, string>,
  };
}

function attempt<T>(action: () => T, path: string, { onUnreadable }: ListingOptions): T | string {
  if (onUnreadable === undefined) return action();
  try {
    return action();
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    onUnreadable(path, error);
    return `unreadable: ${error.message}`;
  }
}

function timesOf({ stat }: FileNode) {
  const { modifiedAt, changedAt, accessedAt, createdAt } = stat;
  return {
    modified: timeText(modifiedAt.seconds, modifiedAt.nanoseconds),
    changed: timeText(changedAt.seconds, changedAt.nanoseconds),
    accessed: timeText(accessedAt.seconds, accessedAt.nanoseconds),
    ...(createdAt && { created: timeText(createdAt.seconds, createdAt.nanoseconds) }),
  };
}

function hashOf(content: ByteSource): string {
  const hash = createHash('sha256');
  for (let offset = 0; offset < content.sizeBytes; offset += READ_BYTES) {
    hash.update(content.read(offset, Math.min(READ_BYTES, content.sizeBytes - offset)));
  }
  return hash.digest('hex');
}

function namedValues(xattrs: ReadonlyMap<string, Uint8Array>): Record<string, string> {
  const values = [...xattrs].map(([name, value]): [string, string] => [name, Buffer.from(value).toString('hex')]);
  return Object.fromEntries(values.sort(([one], [other]) => (one < other ? -1 : 1)));
}
