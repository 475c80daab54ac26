import { allocatedBytes, type Mount } from '@guestkit/disk';
import { formatBytes } from '@guestkit/operations/report/size';
import { renderTable } from '@guestkit/operations/report/table';
import { print } from '../output/print.ts';
import { componentsOf, type FoundFile, walkFrom } from './file-entry.ts';
import type { TreeOptions } from './guestctl.ts';
import { withTree } from './tree.ts';
import { Unreadable } from './unreadable.ts';

export interface DuOptions extends TreeOptions {
  readonly depth: number;
}

/** What a folder holds, all below it counted. */
interface Usage {
  readonly path: string;
  /** What its files are long, together. */
  readonly size: number;
  /** What of that is stored: holes are left out. */
  readonly allocated: number;
  readonly files: number;
}

export async function du(image: string, start: string, options: DuOptions): Promise<void> {
  await withTree(image, options, async (tree) => {
    const unreadable = new Unreadable();
    let tally: Tally | undefined;
    for (const file of walkFrom(start, tree, { onUnreadable: unreadable.add })) {
      // not what was asked for: a walk tells of paths without links
      tally ??= new Tally(file.path, options.depth);
      const { type } = file.node.stat;
      if (type === 'directory') tally.addFolder(file.path);
      if (type === 'file') unreadable.attempt(file.path, () => tally?.add(file));
    }
    await print(options.output, tally?.usages ?? [], render);
    unreadable.conclude(start);
  });
}

class Tally {
  readonly #start: readonly string[];
  readonly #depth: number;
  readonly #usages = new Map<string, Usage>();
  readonly #linked = new Map<Mount | undefined, Set<number>>();

  constructor(start: string, depth: number) {
    this.#start = componentsOf(start);
    this.#depth = depth;
  }

  /** Sorted by path, a folder before what is in it. */
  get usages(): readonly Usage[] {
    return [...this.#usages.values()].sort((one, other) => (one.path < other.path ? -1 : 1));
  }

  addFolder(path: string): void {
    const folder = componentsOf(path);
    if (folder.length <= this.#start.length + this.#depth) this.#count(folder, 0, 0, 0);
  }

  add(file: FoundFile): void {
    if (this.#isCounted(file)) return;
    const content = file.node.open();
    const allocated = allocatedBytes(content);
    const folders = componentsOf(file.path).slice(0, -1);
    const deepest = Math.min(folders.length, this.#start.length + this.#depth);
    for (let depth = this.#start.length; depth <= deepest; depth++) {
      this.#count(folders.slice(0, depth), content.sizeBytes, allocated, 1);
    }
  }

  /** A file of several names counts once. */
  #isCounted({ node, mount }: FoundFile): boolean {
    if (node.stat.links < 2) return false;
    const known = this.#linked.get(mount) ?? new Set();
    this.#linked.set(mount, known);
    if (known.has(node.stat.inode)) return true;
    known.add(node.stat.inode);
    return false;
  }

  #count(folder: readonly string[], size: number, allocated: number, files: number): void {
    const path = `/${folder.join('/')}`;
    const known = this.#usages.get(path) ?? { path, size: 0, allocated: 0, files: 0 };
    this.#usages.set(path, {
      path,
      size: known.size + size,
      allocated: known.allocated + allocated,
      files: known.files + files,
    });
  }
}

function render(usages: readonly Usage[]): string {
  return renderTable(
    [
      { title: 'SIZE', align: 'right', cell: ({ size }) => formatBytes(size) },
      { title: 'ALLOCATED', align: 'right', cell: ({ allocated }) => formatBytes(allocated) },
      { title: 'FILES', align: 'right', cell: ({ files }) => files },
      { title: 'PATH', cell: ({ path }) => path },
    ],
    usages,
  );
}
