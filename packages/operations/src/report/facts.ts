import { printable } from './printable.ts';

type Fact = readonly [name: string, value: string | number | null | undefined];

/** Renders facts for people, one line each; what is not there needs no line. */
export function renderFacts(facts: readonly Fact[]): string {
  const told = facts.filter(([, value]) => value !== null && value !== undefined && value !== '');
  const width = told.reduce((widest, [name]) => Math.max(widest, printable(name).length), 0) + 2;
  return told.map(([name, value]) => `${`${printable(name)}:`.padEnd(width)}${printable(String(value))}\n`).join('');
}
