import { DiskError, type DiskErrorKind, type FileTree } from '@guestkit/disk';
import { GuestFiles } from './guest-files.ts';
import { cleanFacts, cleanText } from './text.ts';

/** Why a collector has no (whole) answer. Never confused with an empty one. */
export type Shortfall = 'absent' | 'unsupported' | 'corrupt' | 'truncated' | 'encrypted';

/** What a collector found, and in which guest paths. */
export type Collected<T> =
  | {
      readonly status: 'ok';
      readonly value: T;
      readonly sources: readonly string[];
      /** Damaged files that were passed over on the way. */
      readonly notes: readonly string[];
    }
  | {
      readonly status: Shortfall;
      readonly reason: string;
      /** What could be read all the same. */
      readonly value?: Partial<T>;
      readonly sources: readonly string[];
      readonly notes: readonly string[];
    };

/** A collector's answer before its sources are added. */
export type Answer<T> =
  | { readonly status: 'ok'; readonly value: T }
  | { readonly status: Shortfall; readonly reason: string; readonly value?: Partial<T> };

export type Collector<T> = (files: GuestFiles) => Answer<T>;

export function ok<T>(value: T): Answer<T> {
  return { status: 'ok', value };
}

export function absent(reason: string): Answer<never> {
  return { status: 'absent', reason };
}

export function unsupported(reason: string): Answer<never> {
  return { status: 'unsupported', reason };
}

// `io` and `denied` are facts about the world, `mismatch` about the request: they end the inspection, as none is about the guest
const SHORTFALL_OF_DISK_ERROR: Record<DiskErrorKind, Shortfall | undefined> = {
  'not-found': 'absent',
  unsupported: 'unsupported',
  corrupt: 'corrupt',
  encrypted: 'encrypted',
  io: undefined,
  denied: undefined,
  mismatch: undefined,
};

/** Runs one collector over a guest's files. Whatever the image holds becomes a status, so that one collector never costs another. */
export function collect<T>(tree: FileTree, collector: Collector<T>): Collected<T> {
  const files = new GuestFiles(tree);
  const answer = answerOf(collector, files);
  return { ...cleanFacts(answer), sources: files.sources.map(cleanText), notes: files.notes.map(cleanText) };
}

function answerOf<T>(collector: Collector<T>, files: GuestFiles): Answer<T> {
  try {
    return collector(files);
  } catch (error) {
    const status = error instanceof DiskError ? SHORTFALL_OF_DISK_ERROR[error.kind] : undefined;
    if (!(error instanceof DiskError) || status === undefined) throw error;
    return { status, reason: error.message };
  }
}
