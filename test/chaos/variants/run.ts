import { runCampaign } from '../campaign.ts';
import type { FindingKind } from '../checker.ts';
import { planSchedule } from '../nemesis.ts';
import { seededRandom } from '../random.ts';
import { planWorkload } from '../workload.ts';
import { VARIANTS, type Variant } from './catalogue.ts';
import { assertApplies } from './patch.ts';

export interface VariantOptions {
  readonly seed: string;
  /** All where none is named. */
  readonly names: readonly string[];
  readonly logFileOf: (name: string) => string;
  readonly say: (text: string) => void;
}

export interface VariantVerdict {
  readonly name: string;
  /** What showed it, and how often. */
  readonly found: ReadonlyMap<FindingKind, number>;
  readonly isCaught: boolean;
  readonly tries: number;
  readonly tookMs: number;
}

/** Luck has a part in whether a fault meets the very moment in which a broken variant shows. */
const MAX_TRIES = 3;
const JOBS = 400;
const TOTAL_MS = 15_000;
const LONGEST_MS = 8_000;
const SETTLE_MS = 25_000;

/** Runs each variant in a short schedule made for it, until the checker has found it out. */
export async function runVariants(options: VariantOptions): Promise<readonly VariantVerdict[]> {
  for (const name of options.names) assertApplies(name);
  const verdicts: VariantVerdict[] = [];
  for (const name of options.names) {
    const verdict = await runVariant(name, options);
    options.say(`${verdict.isCaught ? 'caught' : 'NOT caught'}: ${name}`);
    verdicts.push(verdict);
  }
  return verdicts;
}

async function runVariant(name: string, options: VariantOptions): Promise<VariantVerdict> {
  const variant = VARIANTS[name];
  if (variant === undefined) throw new Error(`Cannot run the variant "${name}": there is none of that name`);
  const startedAt = performance.now();
  for (let tries = 1; ; tries += 1) {
    const found = await tryVariant(name, variant, { ...options, seed: `${options.seed}-${tries}` });
    const isCaught = variant.caughtBy.some((kind) => found.has(kind));
    if (isCaught || tries === MAX_TRIES) {
      return { name, found, isCaught, tries, tookMs: Math.round(performance.now() - startedAt) };
    }
  }
}

async function tryVariant(
  name: string,
  { actions, jobs = JOBS, ...workload }: Variant,
  { seed, logFileOf, say }: VariantOptions,
): Promise<ReadonlyMap<FindingKind, number>> {
  const random = seededRandom(`${name}/${seed}`);
  const { findings } = await runCampaign({
    ...{ random, logFile: logFileOf(name), variant: name, settleMs: SETTLE_MS },
    say: (text) => say(`  ${text}`),
    schedule: planSchedule({
      random: random.fork('nemesis'),
      totalMs: TOTAL_MS,
      names: actions,
      longestMs: LONGEST_MS,
    }),
    plan: ({ image }) => planWorkload({ ...workload, jobs, image, random: random.fork('workload') }),
  });
  return new Map([...Map.groupBy(findings, ({ kind }) => kind)].map(([kind, group]) => [kind, group.length]));
}

export function renderVerdicts(verdicts: readonly VariantVerdict[]): string {
  const rows = verdicts.map(({ name, found, isCaught, tries, tookMs }) => {
    const findings = [...found].map(([kind, count]) => `${kind} (${count})`).join(', ') || 'nothing';
    return `| ${name} | ${isCaught ? '' : '**not caught** '}${findings} | ${tries} | ${Math.round(tookMs / 1000)} s |`;
  });
  return `| variant | found | tries | |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}
