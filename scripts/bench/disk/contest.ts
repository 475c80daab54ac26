import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { median } from '../figures.ts';

/** Code that was compiled before, as `guestctl` has it: see its launcher. */
export const COMPILED = { NODE_COMPILE_CACHE: path.join(import.meta.dirname, '../../../.guestkit/bench/compiled') };

/** A command that does the same work as another. */
export interface Contestant {
  readonly command: string;
  readonly args: readonly string[];
}

export interface Outcome {
  readonly ms: number;
  /** Processor time of the command itself, all its threads. */
  readonly cpuMs: number;
}

/** The medians of contestants that run in turns, so that what disturbs the machine disturbs them alike. The first round warms up and is not counted. */
export async function contest<Name extends string>(
  contestants: Readonly<Record<Name, Contestant>>,
  rounds: number,
): Promise<Readonly<Record<Name, Outcome>>> {
  const names = Object.keys(contestants) as Name[];
  const runs = new Map<Name, Outcome[]>(names.map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const outcome = await runOnce(contestants[name]);
      if (round > 0) runs.get(name)?.push(outcome);
    }
  }
  const middle = (name: Name, of: keyof Outcome) => median((runs.get(name) ?? []).map((outcome) => outcome[of]));
  const outcomes = names.map((name) => [name, { ms: middle(name, 'ms'), cpuMs: middle(name, 'cpuMs') }]);
  return Object.fromEntries(outcomes);
}

async function runOnce({ command, args }: Contestant): Promise<Outcome> {
  const start = performance.now();
  const timed = spawn('bash', ['-c', 'TIMEFORMAT="%U %S"; time "$@"', 'bash', command, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...COMPILED },
  });
  const text = Buffer.concat(await timed.stderr.toArray()).toString();
  const ms = performance.now() - start;
  const [code] = timed.exitCode === null ? await once(timed, 'exit') : [timed.exitCode];
  if (code !== 0) throw new Error(`Cannot measure: ${command} ${args.join(' ')} ended with ${code}: ${text}`);
  const [user = 0, system = 0] = text.trimEnd().split('\n').at(-1)?.split(' ').map(Number) ?? [];
  return { ms, cpuMs: (user + system) * 1000 };
}
