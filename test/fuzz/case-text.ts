import type { Seed } from './family.ts';
import type { Case } from './hunt.ts';

/** A case as JSON, to be written down before it is run and read by whoever looks at what it did. */
export function writeCase({ seed, edits, length, isSealed }: Case): string {
  const written = edits.map(({ at, bytes }) => ({ at, bytes: Buffer.from(bytes).toString('base64') }));
  return JSON.stringify({ seed: seed.name, edits: written, length, isSealed });
}

interface WrittenCase {
  readonly seed: string;
  readonly edits: readonly { readonly at: number; readonly bytes: string }[];
  readonly length: number;
  readonly isSealed: boolean;
}

export function readCase(text: string, seeds: readonly Seed[]): Case {
  const { seed: name, edits, length, isSealed }: WrittenCase = JSON.parse(text);
  const seed = seeds.find((candidate) => candidate.name === name);
  if (seed === undefined) throw new RangeError(`Cannot read case: there is no seed "${name}"`);
  return { seed, edits: edits.map(({ at, bytes }) => ({ at, bytes: Buffer.from(bytes, 'base64') })), length, isSealed };
}
