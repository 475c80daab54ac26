import { formatBytes } from '@guestkit/operations/report/size';
import { CommandError } from '../../exit-code.ts';
import { print } from '../../output/print.ts';
import { walkFrom } from '../file-entry.ts';
import type { TreeOptions } from '../guestctl.ts';
import { note } from '../note.ts';
import { withTree } from '../tree.ts';
import { Unreadable } from '../unreadable.ts';
import { Extraction } from './extraction.ts';
import { makeTarget } from './target.ts';

export interface ExtractOptions extends TreeOptions {
  readonly to: string;
  readonly owners?: true;
  readonly links?: true;
  readonly limitBytes: number;
}

interface ExtractDocument {
  readonly to: string;
  readonly files: number;
  readonly folders: number;
  readonly links: number;
  /** What was written, holes not counted. */
  readonly bytes: number;
  /** What was left out on purpose, and why. */
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
}

/** Copies a file, or a folder with all below it, into a new folder of this host (security rule R9). */
export async function extract(image: string, paths: readonly string[], options: ExtractOptions): Promise<void> {
  await withTree(image, options, async (tree) => {
    const unreadable = new Unreadable();
    const extraction = new Extraction(makeTarget(options.to), options);
    for (const path of paths) {
      const files = walkFrom(path, tree, { onUnreadable: unreadable.add });
      for (const file of files) onHost(file.path, () => unreadable.attempt(file.path, () => extraction.add(file)));
    }
    onHost(options.to, () => extraction.finish());
    const { files, folders, links, bytes, skipped } = extraction;
    await print(options.output, { to: options.to, files, folders, links, bytes, skipped }, render);
    note(
      options,
      skipped.map(({ path, reason }) => `left out ${path}: ${reason}`),
    );
    unreadable.conclude(paths.join(', '));
  });
}

/** What the image spoils is told at the end; what this host refuses ends the command. */
function onHost(path: string, step: () => void): void {
  try {
    step();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
    if (code === undefined) throw error;
    throw new CommandError('io', `Cannot extract "${path}": ${code}`, { cause: error });
  }
}

function render({ to, files, folders, links, bytes, skipped }: ExtractDocument): string {
  const left = skipped.length === 0 ? '' : `, ${skipped.length} left out`;
  return `${files} files (${formatBytes(bytes)}), ${folders} folders and ${links} links in ${to}${left}\n`;
}
