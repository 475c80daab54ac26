import { cpSync, globSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { MemoryEntry } from './memory-tree.ts';

/** A copy of some of this machine's own files as a root of their own, on disk and in memory. Removed after the test. */
export function hostFolder(paths: readonly string[]): {
  readonly path: string;
  readonly files: Record<string, MemoryEntry>;
} {
  const root = mkdtempSync(join(tmpdir(), 'guestkit-host-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  copyHostFolders(paths, root);
  return { path: root, files: Object.fromEntries(entriesOf(root)) };
}

/** Copies files and folders of this machine to the same places below a root; links stay as they are. */
export function copyHostFolders(paths: readonly string[], root: string): void {
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    cpSync(path, join(root, path), { recursive: true, verbatimSymlinks: true });
  }
}

function entriesOf(root: string): [string, MemoryEntry][] {
  return globSync('**', { cwd: root }).flatMap((name): [string, MemoryEntry][] => {
    const stat = lstatSync(join(root, name));
    if (stat.isSymbolicLink()) return [[`/${name}`, { link: readlinkSync(join(root, name)) }]];
    return stat.isFile() ? [[`/${name}`, readFileSync(join(root, name))]] : [];
  });
}
