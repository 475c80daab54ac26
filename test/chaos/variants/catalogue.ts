import type { Patch } from './patch.ts';

export interface Variant {
  readonly patches: readonly Patch[];
}

export const VARIANTS: Readonly<Record<string, Variant>> = {};
