import { type Command, InvalidArgumentError, Option } from 'commander';
import { collect, outputOption } from '../program.ts';
import type { Labels } from './guestkit-worker.ts';

/** A command that asks an API node. */
export function clientCommand(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .addOption(outputOption())
    .addOption(new Option('--url <url>', 'an API node').env('GUESTKIT_URL').default('http://127.0.0.1:8080'))
    .addOption(new Option('--api-key <key>', 'key of the API').env('GUESTKIT_API_KEY'))
    .option('--verbose', 'tell where and how a failure came about');
}

/** What jobs are found by; see job-filter.ts for what becomes of it. */
export function withFilter(command: Command): Command {
  return command
    .option('--status <state>', 'only jobs in this state; may be repeated', collect)
    .option('--operation <name>', 'only jobs of this operation; may be repeated', collect)
    .option('--label <key=value>', 'only jobs with this label; may be repeated', collectLabel)
    .option('--pool <name>', 'only jobs of this pool; may be repeated', collect)
    .option('--worker <id>', 'only jobs whose latest attempt this worker had; may be repeated', collect)
    .option('--error <code>', 'only jobs with this error code; may be repeated', collect)
    .option('--payload <path=value>', 'only jobs with this in payload.data; may be repeated', collect)
    .option('--name-contains <text>', 'only jobs with this in their name')
    .option('--since <time>', 'only jobs submitted then or later')
    .option('--until <time>', 'only jobs submitted before then')
    .option('--started-since <time>', 'only jobs started then or later')
    .option('--started-until <time>', 'only jobs started before')
    .option('--completed-since <time>', 'only jobs that ended then or later')
    .option('--completed-until <time>', 'only jobs that ended before')
    .option('--archived', 'jobs in the archive instead');
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Parses an age such as `30d` to milliseconds. */
export function age(text: string): number {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const unitMs = UNITS_MS[unit];
  if (count === undefined || unitMs === undefined)
    throw new InvalidArgumentError('expected an age such as 90s, 15m, 12h or 30d.');
  return Number(count) * unitMs;
}

export function collectLabel(text: string, previous: Labels = {}): Labels {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('expected key=value.');
  return { ...previous, [text.slice(0, at)]: text.slice(at + 1) };
}
