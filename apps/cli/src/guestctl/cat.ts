import type { ByteSource } from '@guestkit/disk';
import { CommandError } from '../exit-code.ts';
import { print, write } from '../output/print.ts';
import { chunksOf, requireAbsolute } from './file-entry.ts';
import type { TreeOptions } from './guestctl.ts';
import { withTree } from './tree.ts';

/** A document holds its content in memory, as text or as base64. */
const MAX_DOCUMENT_BYTES = 64 * 2 ** 20;

export async function cat(image: string, path: string, options: TreeOptions): Promise<void> {
  requireAbsolute(path);
  await withTree(image, options, async (tree) => {
    const content = tree.open(path);
    if (options.output === 'table') return copy(content);
    await print(options.output, { path, size: content.sizeBytes, ...encode(content, path) }, () => '');
  });
}

async function copy(content: ByteSource): Promise<void> {
  for (const chunk of chunksOf(content)) await write(process.stdout, chunk);
}

function encode(
  content: ByteSource,
  path: string,
): { readonly encoding: 'utf-8' | 'base64'; readonly content: string } {
  if (content.sizeBytes > MAX_DOCUMENT_BYTES) {
    const state = `it has ${content.sizeBytes} bytes, expected at most ${MAX_DOCUMENT_BYTES}`;
    throw new CommandError('unsupported', `Cannot put "${path}" into a document: ${state}; leave --output out`);
  }
  const bytes = content.read(0, content.sizeBytes);
  try {
    return { encoding: 'utf-8', content: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { encoding: 'base64', content: Buffer.from(bytes).toString('base64') };
  }
}
