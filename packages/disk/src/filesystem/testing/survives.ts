import { DiskError } from '../../error.ts';
import type { FileSystem } from '../file-system.ts';
import { createFileTree } from '../tree.ts';
import { readNode } from './read-all.ts';

/**
 * Whether a filesystem, opened and read from end to end, was found intact. `inner` is looked up in every folder, and every
 * error met on the way is noted.
 * @throws what is not a DiskError
 */
export function survives(
  open: () => FileSystem,
  inner: string,
  note: (error: DiskError) => void = () => undefined,
): boolean {
  let isIntact = true;
  const onUnreadable = (_: string, error: DiskError) => {
    isIntact = false;
    note(error);
  };
  const attempt = (action: () => void) => {
    try {
      action();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      onUnreadable('', error);
    }
  };
  attempt(() => {
    const fileSystem = open();
    attempt(() => fileSystem.freeBytes);
    attempt(() => [...(fileSystem.freeRanges?.() ?? [])]);
    for (const { node } of createFileTree(fileSystem).walk('/', { onUnreadable })) {
      attempt(() => node.stat.links);
      attempt(() => readNode(node));
      attempt(() => node.stat.type === 'directory' && node.lookup(inner));
    }
  });
  return isIntact;
}
