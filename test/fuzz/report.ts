import type { Figures } from './supervisor.ts';

const COLUMNS: readonly (readonly [title: string, value: (figures: Figures) => string])[] = [
  ['family', ({ family }) => family],
  ['seeds', ({ seeds }) => String(seeds)],
  ['cases', ({ cases }) => cases.toLocaleString('en')],
  ['cases/s of processor time', ({ cases, cpuMs }) => String(Math.round(cases / (cpuMs / 1000)))],
  ['ways to end', ({ endings }) => String(endings)],
  ['slowest', ({ slowestMs }) => `${Math.round(slowestMs)} ms`],
  ['MiB held, every 20,000 cases', ({ rssBytes }) => rssBytes.map(mib).join(' ')],
  ['MiB in use', ({ liveBytes }) => liveBytes.map(mib).join(' ')],
  ['at most', ({ peakBytes }) => `${mib(peakBytes)} MiB`],
  ['restarts', ({ restarts }) => String(restarts)],
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
