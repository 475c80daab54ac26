import type { Outcome } from './campaign.ts';
import type { Finding } from './checker.ts';
import type { FinalAttempt } from './final-state.ts';
import type { LogLine } from './op-log.ts';

// What a run amounts to, for people.

const SHOWN_OF_A_KIND = 5;

export function renderReport({ log, final, findings, settledMs, endedByThemselves }: Outcome): string {
  return [
    section('Jobs', countsOf(log, final.jobs)),
    section('Attempts', attemptCountsOf(final.jobs)),
    section('Nemesis', nemesisTable(log, final.jobs)),
    section(
      'Processes that ended without being killed',
      Object.entries(endedByThemselves).map(([name, times]) => `${name}: ${times}`),
    ),
    section('Peace', [`everything had ended ${(settledMs / 1000).toFixed(1)} s after the cluster was whole again`]),
    section(
      'Findings',
      findings.length === 0 ? ['none: 0 lost, 0 stuck, 0 committed twice'] : renderFindings(findings),
    ),
  ].join('\n');
}

export function renderFindings(findings: readonly Finding[]): readonly string[] {
  return [...Map.groupBy(findings, ({ kind }) => kind)].flatMap(([kind, group]) => [
    `${kind}: ${group.length}`,
    ...group.slice(0, SHOWN_OF_A_KIND).map(({ job_id, message }) => `    ${job_id ?? ''} ${message}`),
  ]);
}

function section(title: string, lines: readonly string[]): string {
  return `${title}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

function countsOf(log: readonly LogLine[], jobs: Outcome['final']['jobs']): readonly string[] {
  const intents = log.filter(({ type }) => type === 'intent').length;
  const submits = new Set(log.flatMap((line) => (line.type === 'invoke' && line.what === 'submit' ? [line.op] : [])));
  const answers = { ok: 0, fail: 0, unknown: 0, duplicates: 0 };
  for (const line of log) {
    if ((line.type !== 'ok' && line.type !== 'fail' && line.type !== 'unknown') || !submits.has(line.op)) continue;
    answers[line.type] += 1;
    if (line.type === 'ok' && line.duplicate) answers.duplicates += 1;
  }
  const states = [...Map.groupBy(jobs, ({ status }) => status)].map(([status, group]) => `${group.length} ${status}`);
  return [
    `${intents} wanted, ${jobs.length} there: ${states.join(', ')}`,
    `${submits.size} posts: ${answers.ok} acknowledged (${answers.duplicates} as duplicates), ${answers.unknown} without an answer, ${answers.fail} refused or undelivered`,
  ];
}

function attemptCountsOf(jobs: Outcome['final']['jobs']): readonly string[] {
  const attempts = jobs.flatMap((job) => job.attempts);
  const outcomes = [...Map.groupBy(attempts, ({ outcome }) => outcome)].map(
    ([outcome, group]) => `${group.length} ${outcome}`,
  );
  return [`${attempts.length}: ${outcomes.join(', ')}`];
}

/** Each action with when it ended, what it did, and how soon afterwards work went on. */
function nemesisTable(log: readonly LogLine[], jobs: Outcome['final']['jobs']): readonly string[] {
  const beganAtMs = log[0]?.at ?? 0;
  const starts = jobs.flatMap(({ attempts }) => attempts.map(startMsOf)).sort((a, b) => a - b);
  return log.flatMap((line) => {
    if (line.type !== 'nemesis' || line.phase === 'begin') return [];
    const at = `${((line.at - beganAtMs) / 1000).toFixed(1)} s`;
    if (line.phase === 'skip') return [`${at} ${line.action}: skipped, ${line.facts?.reason}`];
    const next = starts.find((start) => start >= line.at);
    const { losesEvents, ...facts } = line.facts ?? {};
    const rerun = line.action === 'worker killed' ? rerunText(jobs, String(facts.worker), line.at) : '';
    const recovery = next === undefined ? 'no attempt after it' : `next attempt ${next - line.at} ms after it`;
    return [`${at} ${line.action}: ${JSON.stringify(facts)}, ${recovery}${rerun}`];
  });
}

/** How soon the jobs that a worker had in its hands when it was killed were in the hands of another. */
function rerunText(jobs: Outcome['final']['jobs'], worker: string, killedMs: number): string {
  const waits = jobs.flatMap(({ attempts }) =>
    attempts.flatMap((attempt, index) => {
      const next = attempts[index + 1];
      const wasHeld = attempt.worker_id === worker && attempt.outcome === 'lost' && startMsOf(attempt) <= killedMs;
      return wasHeld && next && startMsOf(next) > killedMs ? [startMsOf(next) - killedMs] : [];
    }),
  );
  return waits.length === 0 ? '' : `, its ${waits.length} jobs ran again within ${Math.max(...waits)} ms`;
}

function startMsOf({ started_at }: FinalAttempt): number {
  return Date.parse(started_at);
}
