import { unquoteTag } from './fstab.ts';

const MAX_ENTRIES = 1000;

/** What crypttab(5) opens, by the names below /dev/mapper: `cryptroot` → `UUID=…` of what is encrypted. */
export function parseCrypttab(text: string): ReadonlyMap<string, string> {
  const entries = text.split('\n').flatMap((line): readonly (readonly [string, string])[] => {
    const [name, spec] = line.trim().split(/[ \t]+/);
    return !name || name.startsWith('#') || !spec ? [] : [[name, unquoteTag(spec)]];
  });
  return new Map(entries.slice(0, MAX_ENTRIES));
}
