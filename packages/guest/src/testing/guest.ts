import { createFileTree, type FileTree } from '@guestkit/disk';
import { type Collected, type Collector, collect } from '../collected.ts';
import { type MemoryFiles, memoryFileSystem } from './memory-tree.ts';

/** A guest's tree of files held in memory. */
export function guestTree(files: MemoryFiles): FileTree {
  return createFileTree([{ path: '/', device: '/dev/sda1', fileSystem: memoryFileSystem(files) }]);
}

/** Runs a collector over a guest held in memory. */
export function collectFrom<T>(files: MemoryFiles, collector: Collector<T>): Collected<T> {
  return collect(guestTree(files), collector);
}

/** What a collector finds in a guest held in memory; fails when it does not answer `ok`. */
export function valueFrom<T>(files: MemoryFiles, collector: Collector<T>): T {
  const collected = collectFrom(files, collector);
  if (collected.status !== 'ok') throw new Error(`Cannot collect: ${collected.status} (${collected.reason})`);
  return collected.value;
}
