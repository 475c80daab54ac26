import { hostname } from 'node:os';
import { checkAges } from './ages.ts';
import { COMMON_KEYS } from './common-keys.ts';
import { type ConfigOf, Derived, flag, integer, list, milliseconds, optionalText, port, text } from './schema.ts';

/** Keys of an API node. */
export const API_KEYS = {
  ...COMMON_KEYS,
  host: text('Address to listen on', '127.0.0.1'),
  port: port('Port to listen on', 8080),
  apiKey: optionalText('Key that clients must show', { secret: 'all' }),
  insecure: flag('Listen beyond loopback without a key', false),
  nodeId: text('Name of this node', new Derived('host name and process id', () => `${hostname()}-${process.pid}`)),
  boardReadOnly: flag('Let Bull Board show but not touch', true),
  bodyLimitBytes: integer('Largest request body, in bytes', 2 * 1024 * 1024, { min: 1024 }),
  batchLimitBytes: integer('Largest body of a batch of jobs, in bytes', 64 * 1024 * 1024, { min: 1024 }),
  payloadLimitBytes: integer('Largest payload of a job, in bytes', 2 * 1024 * 1024, { min: 1024 }),
  admissionRedisPercent: integer(
    'Share of the memory of Redis beyond which no jobs are taken in, in percent; 0 for no bound',
    70,
    { max: 100 },
  ),
  admissionRedisBytes: integer('The same in bytes, where Redis has no maxmemory; 0 for no bound', 0),
  admissionWaitingJobs: integer('Waiting jobs beyond which no more are taken in; 0 for no bound', 2_000_000),
  admissionOutboxJobs: integer(
    'Accepted jobs not yet in the queue beyond which no more are taken in; 0 for no bound',
    250_000,
  ),
  admissionRecorderEntries: integer(
    'Entries of the event stream not yet recorded beyond which no jobs are taken in; 0 for no bound',
    100_000,
  ),
  artifactGraceHours: integer('How long the artifact store keeps what belongs to no job, in hours', 24, { min: 1 }),
  archiveAfter: list(
    'Age of ended jobs for the archive: AGE, never or STATE=AGE, such as 30d, failed=90d',
    ['30d'],
    checkAges,
  ),
  deleteArchivedAfter: list('Age of ended jobs for deletion from the archive, in the same way', ['never'], checkAges),
  migrate: flag('Bring the tables of an older guestkit in PostgreSQL up to date at the start', false),
  waitSeconds: integer('How long a job may wait for its first attempt, in seconds; 0 for no limit', 0),
  shutdownGraceMs: milliseconds('How long requests may go on after a stop signal', 10_000, { min: 0 }),
} as const;

export type ApiConfig = ConfigOf<typeof API_KEYS>;
