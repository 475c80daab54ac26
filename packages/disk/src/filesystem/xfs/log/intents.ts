import { readFields } from '../../../fields.ts';
import { INTENT_ID, INTENT_KINDS, type IntentKind } from './layout.ts';
import type { LogItem } from './transactions.ts';

/** Operations that were logged as begun, and not as done. */
export class Intents {
  readonly #open = new Map<string, IntentKind>();

  /** Whether an item is of this sort. */
  note({ type, regions }: LogItem): boolean {
    const kind = INTENT_KINDS.find(({ begun, done }) => type === begun || type === done);
    if (kind === undefined) return false;
    const { id } = readFields(regions[0] ?? new Uint8Array(), INTENT_ID, { format: 'xfs' });
    const key = `${kind.begun} ${id}`;
    if (type === kind.begun) this.#open.set(key, kind);
    else this.#open.delete(key);
    return true;
  }

  /** What a reader should know of what was left undone. */
  get warnings(): string[] {
    return [
      describe(
        [...this.#open.values()].filter(({ changesFiles }) => changesFiles),
        'files are shown as they were before',
      ),
      describe(
        [...this.#open.values()].filter(({ changesFiles }) => !changesFiles),
        'files are as they should be',
      ),
    ].filter((warning) => warning !== undefined);
  }
}

function describe(kinds: readonly IntentKind[], consequence: string): string | undefined {
  if (kinds.length === 0) return undefined;
  const names = [...new Set(kinds.map(({ what }) => what))].join(', ');
  return `${kinds.length} operations begun but not finished (${names}): ${consequence}`;
}
