import { FINAL_STATES, type FinalState } from '../job/state.ts';
import { demand } from './schema.ts';

const MS_OF_UNIT: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const AGE = /^(?:(\w+)=)?(?:never|(\d{1,9})([smhd]))$/;

/** Refuses what is neither an age, such as `30d`, `12h` or `never`, nor one for a state, such as `failed=90d`. */
export function checkAges(ages: readonly string[]): void {
  for (const age of ages) {
    const [isAge, state] = AGE.exec(age) ?? [];
    const isState = state === undefined || (FINAL_STATES as readonly string[]).includes(state);
    demand(isAge !== undefined && isState, 'must hold AGE or STATE=AGE, with an AGE such as 30d, 12h or never');
  }
}

/** Milliseconds for each state that has an age; that of a state goes before that of all. */
export function readAges(ages: readonly string[]): ReadonlyMap<FinalState, number> {
  const found = ages.map((age) => AGE.exec(age) ?? []);
  const entries = FINAL_STATES.flatMap((state): [FinalState, number][] => {
    const own = found.findLast(([, named]) => named === state) ?? found.findLast(([, named]) => named === undefined);
    const [, , count, unit = ''] = own ?? [];
    return count === undefined ? [] : [[state, Number(count) * (MS_OF_UNIT[unit] ?? 0)]];
  });
  return new Map(entries);
}
