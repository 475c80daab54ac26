/** Middle value; the mean of the two middle ones when there is an even number. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

/** The value that a share `q` (0 to 1) of the values does not exceed. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}

export interface Row {
  readonly what: string;
  readonly figure: string;
  readonly target: string;
  readonly met: boolean | undefined;
}

/** Prints rows as a Markdown table, ready for the docs. */
export function printTable(title: string, rows: readonly Row[]): void {
  const lines = rows.map(({ what, figure, target, met }) => `| ${what} | ${figure} | ${target} | ${verdict(met)} |`);
  process.stdout.write(`\n### ${title}\n\n| what | measured | target | |\n|---|---|---|---|\n${lines.join('\n')}\n`);
}

function verdict(met: boolean | undefined): string {
  if (met === undefined) return '';
  return met ? 'met' : '**missed**';
}
