import type { Command } from 'commander';
import { wholeNumber } from '../program.ts';
import type { CancelOptions } from './cancel.ts';
import type { ChangeOptions } from './change-jobs.ts';
import { age, clientCommand, withFilter } from './client-command.ts';
import type { ClientOptions } from './guestkit-worker.ts';
import type { RetryOptions } from './retry.ts';

/** Commands that change jobs, named or found by a filter, and those that follow what becomes of that. */
export function addBulkCommands(program: Command): void {
  changeCommand(program, 'cancel', 'end jobs, whether they wait or run')
    .argument('[ids...]', 'ids of jobs')
    .option('--reason <text>', 'kept with the jobs that are named')
    .action(async (ids: readonly string[], options: CancelOptions) =>
      (await import('./cancel.ts')).cancel(ids, options),
    );
  changeCommand(program, 'retry', 'make new jobs of those that failed')
    .argument('[ids...]', 'ids of jobs')
    .option('--failed', 'every job that failed or took too long')
    .option('--older-than <age>', 'only jobs that ended longer ago, such as 12h', age)
    .action(async (ids: readonly string[], options: RetryOptions) => (await import('./retry.ts')).retry(ids, options));
  changeCommand(program, 'purge', 'delete jobs that have ended')
    .option('--older-than <age>', 'only jobs that ended longer ago, such as 30d', age)
    .action(async (options: ChangeOptions) => (await import('./change-jobs.ts')).changeJobs('purge', options));
  addFollowCommands(program);
}

function addFollowCommands(program: Command): void {
  const bulk = program.command('bulk').description('operations on many jobs');
  clientCommand(bulk, 'list', 'newest first')
    .option('--limit <count>', 'how many at most', wholeNumber(1), 20)
    .action(async (options: ClientOptions & { readonly limit: number }) =>
      (await import('./bulk.ts')).listBulk(options),
    );
  clientCommand(bulk, 'show', 'how far one is')
    .argument('<id>', 'id of the operation')
    .action(async (id: string, options: ClientOptions) => (await import('./bulk.ts')).showBulk(id, options));
  clientCommand(bulk, 'stop', 'stop one; what it has done stays done')
    .argument('<id>', 'id of the operation')
    .action(async (id: string, options: ClientOptions) => (await import('./bulk.ts')).stopBulk(id, options));
}

function changeCommand(program: Command, name: string, description: string): Command {
  return withFilter(clientCommand(program, name, description))
    .option('--all', 'every job')
    .option('--dry-run', 'only count them')
    .option('--yes', 'do not ask')
    .option('--no-wait', 'do not wait for the end');
}
