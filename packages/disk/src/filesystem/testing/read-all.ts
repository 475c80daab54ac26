import type { ByteSource } from '../../source/byte-source.ts';
import type { FileNode, FileSystem } from '../file-system.ts';
import { createFileTree } from '../tree.ts';

/** Reads all there is to read: every folder, content, target and attribute. @throws what the reader throws */
export function readAll(fileSystem: FileSystem): void {
  for (const { node } of createFileTree(fileSystem).walk()) readNode(node);
}

export function readNode(node: FileNode): void {
  node.xattrs();
  if (node.stat.type === 'symlink') node.readlink();
  if (node.stat.type === 'file') readContent(node.open());
  for (const stream of node.streams?.().values() ?? []) readContent(stream);
}

const READ_BYTES = 1024 * 1024;
/** Sparse files may be as large as a file can be. */
const MOST_BYTES = 8 * READ_BYTES;

function readContent(content: ByteSource): void {
  const end = Math.min(content.sizeBytes, MOST_BYTES);
  for (let offset = 0; offset < end; offset += READ_BYTES) content.read(offset, Math.min(READ_BYTES, end - offset));
  if (content.sizeBytes > 0) content.read(content.sizeBytes - 1, 1);
}
