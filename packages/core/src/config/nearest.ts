import { distance } from 'fastest-levenshtein';

/** `, did you mean "port"?` where a known name is close to the one given. */
export function hint(given: string, known: readonly string[]): string {
  const [best] = known
    .map((name) => ({ name, away: distance(given.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.away - b.away);
  // a third of the letters wrong is a typo, more is another word
  return best && best.away <= Math.max(2, Math.floor(best.name.length / 3)) ? `, did you mean "${best.name}"?` : '';
}
