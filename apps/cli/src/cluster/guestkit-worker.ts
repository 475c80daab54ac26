import type { Command } from 'commander';
import type { OutputFormat } from '../output/print.ts';
import { collect, createProgram, outputOption, wholeNumber } from '../program.ts';
import { addBulkCommands } from './bulk-commands.ts';
import { clientCommand, collectLabel, withFilter } from './client-command.ts';
import type { DoctorOptions } from './doctor.ts';
import type { FilterOptions } from './job-filter.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
export type Labels = Readonly<Record<string, string>>;

export type ServiceName = 'api' | 'worker';

/** Options that every command which asks an API node takes. */
export interface ClientOptions {
  readonly url: string;
  readonly apiKey?: string;
  readonly output: OutputFormat;
  readonly verbose?: true;
}

export interface SubmitOptions extends ClientOptions {
  readonly operation?: string;
  readonly image?: string;
  readonly format?: string;
  readonly allowFormatOverride?: true;
  readonly data?: string;
  readonly name?: string;
  readonly priority?: number;
  readonly timeout?: number;
  readonly label?: Labels;
  readonly wait?: true;
  readonly batch?: string;
}

export interface StatusOptions extends ClientOptions {
  readonly watch?: true;
}

export interface ListOptions extends ClientOptions, FilterOptions {
  readonly sort?: string;
  readonly count?: string;
  readonly limit: number;
}

export interface DeadLetterListOptions extends ClientOptions {
  readonly class?: readonly string[];
  readonly operation?: readonly string[];
  readonly error?: readonly string[];
  readonly label?: Labels;
  readonly since?: string;
  readonly until?: string;
  readonly all?: true;
  readonly limit: number;
}

export interface RequeueOptions extends ClientOptions {
  readonly data?: string;
  readonly execution?: string;
}

export interface UpOptions {
  readonly workers: number;
  readonly apiNodes: number;
}

export interface MigrateOptions {
  readonly output: OutputFormat;
  readonly status?: true;
}

export interface ConfigOptions {
  readonly output: OutputFormat;
}

/** The command line of the cluster: runs its parts, and talks to it over HTTP. Each command loads only what it needs. */
export function createGuestkitWorker(env: Environment): Command {
  const program = createProgram('guestkit-worker', 'Run a guestkit cluster, give it jobs and read their results');
  addServices(program, env);
  addMigrate(program, env);
  addJobCommands(program);
  addDeadLetterCommands(program);
  addBulkCommands(program);
  addClusterCommands(program);
  addConfig(program, env);
  return program;
}

function addServices(program: Command, env: Environment): void {
  // a service reads its own flags, --help among them
  passThrough(program.command('daemon'), 'run one worker')
    .helpOption(false)
    .action(async (flags: readonly string[]) => (await import('./service.ts')).becomeService('worker', flags, env));
  passThrough(program.command('api'), 'run one API node')
    .helpOption(false)
    .action(async (flags: readonly string[]) => (await import('./service.ts')).becomeService('api', flags, env));
  passThrough(program.command('up'), 'run API nodes and workers, and a Redis of their own unless REDIS_URL names one')
    .option('--workers <count>', 'workers to run', wholeNumber(0), 1)
    .option('--api-nodes <count>', 'API nodes to run, on one port after the other', wholeNumber(0), 1)
    .action(async (flags: readonly string[], options: UpOptions) => (await import('./up.ts')).up(flags, options, env));
}

function addMigrate(program: Command, env: Environment): void {
  passThrough(program.command('migrate'), 'bring the tables of the job history up to date')
    .option('--status', 'only look: which migrations are applied, and which are not')
    .addOption(outputOption())
    .action(async (flags: readonly string[], options: MigrateOptions) =>
      (await import('./migrate.ts')).migrate(flags, options, env),
    );
}

function addJobCommands(program: Command): void {
  clientCommand(program, 'submit', 'post a job')
    .argument('[file]', 'job document, or - for stdin')
    .option('--operation <name>', 'what to do, when no document is given')
    .option('--image <path>', 'image as the workers see it')
    .option('--format <format>', 'what the container is said to be (default: its content decides)')
    .option('--allow-format-override', 'read it as --format says though its content says otherwise')
    .option('--data <json>', 'further members of payload.data')
    .option('--name <name>', 'name of the job')
    .option('--priority <1-10>', 'higher is more urgent', wholeNumber(1))
    .option('--timeout <seconds>', 'how long an attempt may take', wholeNumber(1))
    .option('--label <key=value>', 'label of the job; may be repeated', collectLabel)
    .option('--wait', 'show progress until the job ends, then its result')
    .option('--batch <file>', 'post many: a JSON array, or one document a line; - for stdin')
    .action(async (file: string | undefined, options: SubmitOptions) =>
      (await import('./submit.ts')).submit(file, options),
    );
  clientCommand(program, 'status', 'how a job fares')
    .argument('<id>', 'id of the job')
    .option('--watch', 'show progress until the job ends')
    .action(async (id: string, options: StatusOptions) => (await import('./status.ts')).status(id, options));
  clientCommand(program, 'result', 'the result of a job that has ended')
    .argument('<id>', 'id of the job')
    .action(async (id: string, options: ClientOptions) => (await import('./result.ts')).result(id, options));
  withFilter(clientCommand(program, 'list', 'jobs, newest first'))
    .option('--sort <key>', 'what to go by, such as name or -duration (descending)')
    .option('--count <how>', 'some, exact, status or none')
    .option('--limit <count>', 'how many at most', wholeNumber(1), 20)
    .action(async (options: ListOptions) => (await import('./list.ts')).list(options));
}

function addDeadLetterCommands(program: Command): void {
  const letters = program.command('dlq').description('the dead letters: jobs that failed for good');
  clientCommand(letters, 'list', 'dead letters, those that died last first')
    .option('--class <name>', 'only errors of this class; may be repeated', collect)
    .option('--error <code>', 'only this error code; may be repeated', collect)
    .option('--operation <name>', 'only jobs of this operation; may be repeated', collect)
    .option('--label <key=value>', 'only jobs with this label; may be repeated', collectLabel)
    .option('--since <time>', 'only those that died then or later')
    .option('--until <time>', 'only those that died before')
    .option('--all', 'also those that were requeued')
    .option('--limit <count>', 'how many at most', wholeNumber(1), 20)
    .action(async (options: DeadLetterListOptions) => (await import('./dead-letters.ts')).listDeadLetters(options));
  clientCommand(letters, 'show', 'a dead letter with all its attempts')
    .argument('<id>', 'id of the job')
    .action(async (id: string, options: ClientOptions) =>
      (await import('./dead-letters.ts')).showDeadLetter(id, options),
    );
  clientCommand(letters, 'requeue', 'make a new job of a dead one')
    .argument('<id>', 'id of the dead job')
    .option('--data <json>', 'another payload.data')
    .option('--execution <json>', 'members of execution to be other than they were; null takes one out')
    .action(async (id: string, options: RequeueOptions) =>
      (await import('./dead-letters.ts')).requeueDeadLetter(id, options),
    );
  clientCommand(letters, 'purge', 'take a dead letter away; the job stays')
    .argument('<id>', 'id of the job')
    .action(async (id: string, options: ClientOptions) =>
      (await import('./dead-letters.ts')).purgeDeadLetter(id, options),
    );
}

function addClusterCommands(program: Command): void {
  clientCommand(program, 'capabilities', 'what the live workers can do together').action(
    async (options: ClientOptions) => (await import('./capabilities.ts')).capabilities(options),
  );
  clientCommand(program, 'workers', 'the live workers').action(async (options: ClientOptions) =>
    (await import('./workers.ts')).workers(options),
  );
  clientCommand(program, 'doctor', 'what is wrong with the cluster')
    .option('--repair', 'compare history with the queue first, and repair where they disagree')
    .action(async (options: DoctorOptions) => (await import('./doctor.ts')).doctor(options));
  clientCommand(program, 'health', 'whether an API node is ready').action(async (options: ClientOptions) =>
    (await import('./health.ts')).health(options),
  );
}

function addConfig(program: Command, env: Environment): void {
  const config = program.command('config').description('the configuration of a service');
  config
    .command('print')
    .description('every value, secrets masked, and where it comes from')
    .argument('[service]', 'api or worker', 'worker')
    .argument('[flags...]', 'flags of the service')
    .allowUnknownOption()
    .addOption(outputOption())
    .action(async (service: string, flags: readonly string[], options: ConfigOptions) =>
      (await import('./config.ts')).printConfig([service, ...flags], options, env),
    );
}

function passThrough(command: Command, description: string): Command {
  return command.description(description).argument('[flags...]', 'flags of the service').allowUnknownOption();
}
