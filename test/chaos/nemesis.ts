import { setTimeout as delay } from 'node:timers/promises';
import { ACTIONS, type ActionName, USUAL_ACTIONS } from './actions.ts';
import type { OpLog } from './op-log.ts';
import type { Random } from './random.ts';
import type { Stack } from './stack.ts';

/** What is done to the cluster, when, and for how long. */
export interface PlannedAction {
  readonly name: ActionName;
  /** Which of several alike; taken modulo how many there are. */
  readonly target: number;
  readonly lastsMs: number;
  /** Quiet before it, from the end of the one before. */
  readonly pauseMs: number;
  /** It does not wait for the end of the one before. */
  readonly overlaps: boolean;
}

export interface ScheduleOptions {
  readonly random: Random;
  /** Together, in about; each of the names comes at least once. */
  readonly totalMs: number;
  readonly names?: readonly ActionName[];
  /** The longest that an outage may last. */
  readonly longestMs: number;
}

const PAUSE_MS = [1_500, 5_000] as const;
const OVERLAP_SHARE = 0.2;

/** Every action once in an order of chance, then more of them until the time is used up. */
export function planSchedule(options: ScheduleOptions): readonly PlannedAction[] {
  const { random, totalMs, names = USUAL_ACTIONS } = options;
  const schedule: PlannedAction[] = [];
  let plannedMs = 0;
  while (schedule.length < names.length || plannedMs < totalMs) {
    for (const name of random.shuffled(names)) {
      if (schedule.length >= names.length && plannedMs >= totalMs) break;
      const action = planAction(name, options);
      schedule.push(action);
      plannedMs += action.lastsMs + action.pauseMs;
    }
  }
  return schedule;
}

function planAction(name: ActionName, { random, longestMs }: ScheduleOptions): PlannedAction {
  const [shortestMs, usualMs] = ACTIONS[name].lastsMs;
  return {
    name,
    target: random.integer(0, 99),
    lastsMs: random.integer(Math.min(shortestMs, longestMs), Math.min(usualMs, longestMs)),
    pauseMs: random.integer(...PAUSE_MS),
    overlaps: random.chance(OVERLAP_SHARE),
  };
}

export interface NemesisOptions {
  readonly stack: Stack;
  readonly log: OpLog;
  readonly schedule: readonly PlannedAction[];
  readonly say: (text: string) => void;
  /** Told when the n-th action is next, before the quiet that precedes it. */
  readonly onAction: (n: number, action: PlannedAction) => void;
}

/** Goes through the schedule; resolves when all that it broke is whole again. */
export async function unleash({ stack, log, schedule, say, onAction }: NemesisOptions): Promise<void> {
  const busy = new Map<string, Promise<void>>();
  let latest: Promise<void> = Promise.resolve();
  for (const [n, planned] of schedule.entries()) {
    if (!planned.overlaps) await latest;
    onAction(n, planned);
    await delay(planned.pauseMs);
    const { holds } = ACTIONS[planned.name];
    // two at once must not take the same thing apart
    await busy.get(holds);
    latest = perform(planned, { stack, log, say });
    busy.set(holds, latest);
  }
  await Promise.all(busy.values());
}

async function perform(
  { name, target, lastsMs }: PlannedAction,
  { stack, log, say }: Pick<NemesisOptions, 'stack' | 'log' | 'say'>,
): Promise<void> {
  const action = ACTIONS[name];
  const impossible = action.impossible?.(stack);
  if (impossible !== undefined) {
    say(`${name}: skipped, ${impossible}`);
    log.write({ type: 'nemesis', action: name, phase: 'skip', facts: { reason: impossible } });
    return;
  }
  log.write({ type: 'nemesis', action: name, phase: 'begin', facts: { target, lastsMs } });
  const startedAt = performance.now();
  const facts = await action.run({ stack, target, lastsMs });
  const tookMs = Math.round(performance.now() - startedAt);
  log.write({
    type: 'nemesis',
    action: name,
    phase: 'end',
    facts: { ...facts, tookMs, losesEvents: action.losesEvents === true },
  });
  say(`${name}: ${JSON.stringify({ ...facts, tookMs })}`);
}
