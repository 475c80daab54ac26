import { printable } from '@guestkit/operations/report/printable';
import type { ImageOptions } from './guestctl.ts';

/** Tells people what they should know of an image; whoever reads data asks for it with `--verbose`. */
export function note({ output, verbose }: ImageOptions, warnings: readonly string[]): void {
  if (output !== 'table' && verbose !== true) return;
  for (const warning of warnings) process.stderr.write(`guestctl: note: ${printable(warning)}\n`);
}
