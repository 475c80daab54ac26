import { GOALS, type GoalId, verdictOf } from './goals.ts';

/** What was found for one goal. Where there is nothing to compare with, the ratio is the figure itself. */
export interface Finding {
  readonly id: GoalId;
  readonly base: string;
  readonly ours: string;
  readonly ratio: number;
}

/** A goal that needs something which is not here. */
export interface Omission {
  readonly id: GoalId;
  readonly because: string;
}

export function printFindings(findings: readonly (Finding | Omission)[]): void {
  const lines = findings.map((finding) => ('ratio' in finding ? lineOf(finding) : omissionOf(finding)));
  process.stdout.write(
    `\n| # | what | base | ours | ratio | floor | ambitious | |\n|---|---|---|---|---|---|---|---|\n${lines.join('\n')}\n`,
  );
}

function lineOf({ id, base, ours, ratio }: Finding): string {
  const goal = GOALS[id];
  const sign = goal.better === 'higher' ? '≥' : '≤';
  const bounds = `${sign} ${goal.floor} | ${sign} ${goal.ambitious}`;
  return `| ${id} | ${goal.what} | ${base} | ${ours} | ${shown(ratio)} | ${bounds} | ${verdictOf(goal, ratio)} |`;
}

function omissionOf({ id, because }: Omission): string {
  return `| ${id} | ${GOALS[id].what} | | | | | | not measured: ${because} |`;
}

export function perSecond(rate: number): string {
  return `${Math.round(rate).toLocaleString('en')}/s`;
}

export function micros(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} µs`;
}

export function millis(value: number): string {
  return `${value.toFixed(value < 100 ? 1 : 0)} ms`;
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

export function bytes(value: number): string {
  return `${Math.round(value).toLocaleString('en')} B`;
}

function shown(ratio: number): string {
  return ratio >= 10 ? ratio.toFixed(1) : ratio.toFixed(2);
}
