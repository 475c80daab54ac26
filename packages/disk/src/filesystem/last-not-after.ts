/** The place of the last entry that starts at or before a block, or -1. The entries are in the order of their first blocks. */
export function lastNotAfter(entries: readonly { readonly first: number }[], block: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle] as { readonly first: number }).first <= block) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
