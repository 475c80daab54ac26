import type { Figures } from './supervisor.ts';

const COLUMNS: readonly (readonly [title: string, value: (figures: Figures) => string])[] = [
  ['family', ({ family }) => family],
  ['seeds', ({ seeds }) => String(seeds)],
  ['cases', ({ cases }) => cases.toLocaleString('en')],
  ['cases/s', ({ cases, seconds }) => String(Math.round(cases / seconds))],
  ['ways to end', ({ endings }) => String(endings)],
  ['slowest', ({ slowestMs }) => `${Math.round(slowestMs)} ms`],
  ['memory, first to last', ({ firstRssBytes, lastRssBytes }) => `${mib(firstRssBytes)} to ${mib(lastRssBytes)} MiB`],
  ['at most', ({ peakBytes }) => `${mib(peakBytes)} MiB`],
  ['findings', ({ findings }) => String(findings.length)],
];

/** A Markdown table, a line for each family. */
export function renderFigures(all: readonly Figures[]): string {
  const rows = [
    COLUMNS.map(([title]) => title),
    COLUMNS.map(() => '---'),
    ...all.map((figures) => COLUMNS.map(([, value]) => value(figures))),
  ];
  return rows.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

function mib(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
