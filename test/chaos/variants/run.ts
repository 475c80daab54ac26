import { runCampaign } from '../campaign.ts';
import type { FindingKind } from '../checker.ts';
import { planSchedule } from '../nemesis.ts';
import { seededRandom } from '../random.ts';
import { renderFindings } from '../report.ts';
import { planWorkload } from '../workload.ts';
import { VARIANTS, type Variant } from './catalogue.ts';
import { assertApplies } from './patch.ts';

export interface VariantOptions {
  readonly seed: string;
  readonly names: readonly string[];
  /** Runs the same with nothing broken, where nothing may be found. */
  readonly areControls: boolean;
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
const SETTLE_MS = 20_000;
/** Small, because it is started anew for each. */
const CLUSTER = { workers: 2, workerSettings: { GUESTKIT_SLOTS: '3' } } as const;

/** Runs each variant in a short schedule made for it, until the checker has found it out. */
export async function runVariants(options: VariantOptions): Promise<readonly VariantVerdict[]> {
  for (const name of options.names) assertApplies(name);
  const verdicts: VariantVerdict[] = [];
  for (const name of options.names) {
    const verdict = options.areControls ? await runControl(name, options) : await runVariant(name, options);
    options.say(`${verdict.isCaught ? 'caught' : 'nothing of it found'}: ${name}`);
    verdicts.push(verdict);
  }
  return verdicts;
}

async function runControl(name: string, options: VariantOptions): Promise<VariantVerdict> {
  const startedAt = performance.now();
  const found = await tryVariant(name, variantOf(name), options);
  return { name, found, isCaught: found.size > 0, tries: 1, tookMs: Math.round(performance.now() - startedAt) };
}

function variantOf(name: string): Variant {
  const variant = VARIANTS[name];
  if (variant === undefined) throw new Error(`Cannot run the variant "${name}": there is none of that name`);
  return variant;
}

async function runVariant(name: string, options: VariantOptions): Promise<VariantVerdict> {
  const variant = variantOf(name);
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
  { seed, logFileOf, say, areControls }: VariantOptions,
): Promise<ReadonlyMap<FindingKind, number>> {
  const random = seededRandom(`${name}/${seed}`);
  const { findings } = await runCampaign({
    ...{ ...CLUSTER, random, logFile: logFileOf(name), settleMs: SETTLE_MS },
    ...(!areControls && { variant: name }),
    say: (text) => say(`  ${text}`),
    schedule: planSchedule({
      random: random.fork('nemesis'),
      totalMs: TOTAL_MS,
      names: actions,
      longestMs: LONGEST_MS,
    }),
    plan: ({ image }) => planWorkload({ ...workload, jobs, image, random: random.fork('workload') }),
  });
  for (const line of renderFindings(findings)) say(`    ${line}`);
  return new Map([...Map.groupBy(findings, ({ kind }) => kind)].map(([kind, group]) => [kind, group.length]));
}

/** As a Markdown table. */
export function renderVerdicts(verdicts: readonly VariantVerdict[]): string {
  const rows = verdicts.map(({ name, found, isCaught, tries, tookMs }) => {
    const findings = [...found].map(([kind, count]) => `${kind} (${count})`).join(', ') || 'nothing';
    return `| ${name} | ${isCaught ? '' : 'not caught: '}${findings} | ${tries} | ${Math.round(tookMs / 1000)} s |`;
  });
  return `| variant | found | tries | |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}
