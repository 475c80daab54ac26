import { createInterface } from 'node:readline/promises';
import { CommandError } from '../exit-code.ts';

export interface Question {
  /** Completes "Cannot …" and "Do you want to …?". */
  readonly what: string;
  readonly yes: boolean | undefined;
  /** Whether it is done unasked where nobody can be asked. */
  readonly isHarmless?: boolean;
}

/** Asks whoever sits at the terminal. @throws CommandError when the answer is no, or nobody can be asked */
export async function confirm({ what, yes, isHarmless = false }: Question): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    if (isHarmless) return;
    throw new CommandError('usage', `Cannot ${what}: nobody can be asked whether that is meant, expected --yes`);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`Do you want to ${what}? [y/N] `).finally(() => terminal.close());
  if (!/^y(es)?$/i.test(answer.trim())) throw new CommandError('usage', `Cannot ${what}: you have said no`);
}
