import { distance } from 'fastest-levenshtein';

/** `, did you mean "port"?` where a known name is close to the one given. */
export function hint(given: string, known: readonly string[]): string {
  const [best] = known
    .map((name) => ({ name, away: distance(given, name), swapped: distance(letters(given), letters(name)) }))
    // of equals, that with the same letters: swapping two is the commonest slip
    .sort((a, b) => a.away - b.away || a.swapped - b.swapped);
  // a third of the letters wrong is a slip, more is another word
  return best && best.away <= Math.max(2, Math.floor(best.name.length / 3)) ? `, did you mean "${best.name}"?` : '';
}

function letters(name: string): string {
  return [...name].sort().join('');
}
