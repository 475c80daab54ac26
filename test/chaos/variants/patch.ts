import { readFileSync } from 'node:fs';
import path from 'node:path';
import { VARIANTS } from './catalogue.ts';

/** One change of a source file: the text has to be there exactly once. */
export interface Patch {
  /** From the root of the repository. */
  readonly file: string;
  readonly search: string;
  readonly replacement: string;
}

const ROOT = path.join(import.meta.dirname, '../../..');

/** A source file as the variant wants it; `undefined` where it leaves the file alone. @throws Error when the source has changed since */
export function patchedSource(variant: string, file: string): string | undefined {
  const patches = (VARIANTS[variant]?.patches ?? []).filter((patch) => path.join(ROOT, patch.file) === file);
  return patches.length === 0 ? undefined : patches.reduce(applyPatch, readFileSync(file, 'utf8'));
}

/** Looks whether all its texts are still there, before any process is started for it. @throws Error */
export function assertApplies(variant: string): void {
  for (const { file } of VARIANTS[variant]?.patches ?? []) patchedSource(variant, path.join(ROOT, file));
}

function applyPatch(source: string, { file, search, replacement }: Patch): string {
  const parts = source.split(search);
  if (parts.length !== 2) {
    throw new Error(`Cannot break ${file}: the text is there ${parts.length - 1} times, expected once: ${search}`);
  }
  return parts.join(replacement);
}
