import { printable } from '@guestkit/operations/report/printable';
import { CommandError } from '../exit-code.ts';
import { reportFailure } from '../failure.ts';
import { print } from '../output/print.ts';
import { ApiClient } from './api-client.ts';
import { type BulkOperation, describeBulkOperation, watchBulkOperation } from './bulk-operation.ts';
import { confirm } from './confirm.ts';
import type { ClientOptions } from './guestkit-worker.ts';
import { type FilterOptions, filterOf } from './job-filter.ts';

export type Verb = 'cancel' | 'retry' | 'purge';

export interface ChangeOptions extends ClientOptions, FilterOptions {
  readonly all?: true;
  readonly dryRun?: true;
  readonly yes?: true;
  /** Absent by default: commander's way to say `--no-wait`. */
  readonly wait: boolean;
}

/** Does something to all jobs that a filter lets through: counts them, asks, has it done, and waits for the end. */
export async function changeJobs(verb: Verb, options: ChangeOptions, more: FilterOptions = {}): Promise<void> {
  const client = new ApiClient(options);
  const filter = filterOf({ ...options, ...more });
  if (Object.keys(filter).length === 0 && !options.all) {
    throw new CommandError('usage', `Cannot ${verb} jobs: expected ids, a filter, or --all`);
  }
  const ask = <Answer>(dry_run: boolean) => {
    const body = { verb, filter, all: options.all === true, dry_run };
    return client.post<Answer>(`${verb} jobs`, '/api/v1/jobs/bulk', JSON.stringify(body));
  };
  const counted = await ask<{ readonly total: number }>(true);
  if (options.dryRun || counted.total === 0) return print(options.output, counted, describeCount);
  await confirmMany(verb, counted.total, options);
  const started = await ask<BulkOperation>(false);
  if (!options.wait) return print(options.output, started, describeBulkOperation);
  process.stderr.write(`${printable(started.bulk_id)} goes on if this is broken off\n`);
  const ended = await watchBulkOperation(client, started);
  await print(options.output, ended, describeBulkOperation);
  if (ended.failed > 0) throw new CommandError('refused', `Cannot ${verb} ${ended.failed} jobs: ${ended.error}`);
}

function describeCount({ total }: { readonly total: number }): string {
  return `${total === 0 ? 'No' : total} job${total === 1 ? '' : 's'} match${total === 1 ? 'es' : ''}\n`;
}

export async function confirmMany(verb: Verb, count: number, { yes }: Pick<ChangeOptions, 'yes'>): Promise<void> {
  // to retry takes nothing away
  if (count > 1) await confirm({ what: `${verb} ${count} jobs`, yes, isHarmless: verb === 'retry' });
}

interface JobAnswer {
  readonly job_id: string;
  readonly status: string;
}

/** Does something to each of the named jobs; one that fails does not keep the others from being done. */
export async function changeEach<Answer extends JobAnswer>(
  verb: Verb,
  {
    ids,
    change,
    describe,
  }: {
    readonly ids: readonly string[];
    readonly change: (id: string) => Promise<Answer>;
    readonly describe: (answer: Answer) => string;
  },
  options: ChangeOptions,
): Promise<void> {
  refuseFilter(verb, options);
  await confirmMany(verb, ids.length, options);
  const answers: Answer[] = [];
  const failures: unknown[] = [];
  for (const id of ids) {
    await change(id).then(
      (answer) => answers.push(answer),
      (error: unknown) => failures.push(error),
    );
  }
  const [only] = answers;
  if (ids.length === 1 && only) return print(options.output, only, describe);
  if (answers.length > 0) await print(options.output, answers, (all) => all.map(describe).join(''));
  const last = failures.pop();
  for (const error of failures) reportFailure('guestkit-worker', error, options.verbose === true);
  if (last !== undefined) throw last;
}

function refuseFilter(verb: Verb, options: ChangeOptions): void {
  if (options.all || Object.keys(filterOf(options)).length > 0) {
    throw new CommandError('usage', `Cannot ${verb} jobs: expected ids or a filter, not both`);
  }
}
