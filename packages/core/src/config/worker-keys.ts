import { randomBytes } from 'node:crypto';
import { availableParallelism, hostname } from 'node:os';
import path from 'node:path';
import { MAX_CACHE_HOURS } from '../artifact/cache-key.ts';
import { parseHostRule } from '../remote/host-rule.ts';
import { COMMON_KEYS, checkName, folders } from './common-keys.ts';
import { readRetrySettings } from './retry-setting.ts';
import { Derived, demand, flag, integer, list, milliseconds, oneOf, port, text } from './schema.ts';

/** Keys of a worker. */
export const WORKER_KEYS = {
  ...COMMON_KEYS,
  workerId: text(
    'Name of this worker, unlike any other',
    new Derived(
      'host name, process id and a random part',
      () => `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`,
    ),
  ),
  pool: text('Pool whose jobs to run', 'default', { check: checkName }),
  slots: integer(
    'Attempts to run at once',
    new Derived('processors, at most 4', () => Math.min(4, availableParallelism())),
    {
      min: 1,
      max: 1024,
    },
  ),
  imageRoots: folders('Folders that images may lie in', new Derived('the working folder', () => [process.cwd()])),
  outputRoots: folders(
    'Folders that results may be written to',
    new Derived('results in the data folder', ({ dataDir }) => [path.join(String(dataDir), 'results')]),
  ),
  references: oneOf(['deny', 'same-directory', 'roots'], 'Which files that an image names may be opened', 'deny'),
  remoteHosts: list(
    'Servers that images may be read from, as [http://]HOST[:PORT]: a name, *.NAME, an address, a network, or * for all that are public',
    [],
    (rules) => void rules.map(parseHostRule),
  ),
  remoteBuckets: list('Buckets that images may be read from: BUCKET, BUCKET/FOLDER, or *', [], checkBuckets),
  remoteLimitMb: integer('Most to fetch of a remote image, in MiB', 16 * 1024, { min: 1 }),
  remoteRequestLimit: integer('Most requests for a remote image', 100_000, { min: 1 }),
  remoteCacheMb: integer('Memory for what was fetched of a remote image, in MiB', 64, { min: 1 }),
  remoteTimeoutMs: milliseconds('How long one request for a remote image may take', 30_000),
  resultInlineBytes: integer(
    'Largest result that passes through Redis and SQL; what is larger goes to the artifact store',
    64 * 1024,
  ),
  cacheHours: integer(
    'How long the result of an image that has not changed may be answered again, in hours; 0 for never',
    0,
    {
      max: MAX_CACHE_HOURS,
    },
  ),
  stagingDir: text(
    'Folder in which images are unpacked that gzip, xz or zstd has packed',
    new Derived('staging in the data folder', ({ dataDir }) => path.join(String(dataDir), 'staging')),
  ),
  stagingLimitBytes: integer('What such an image may hold, but for zeros, in bytes; 0 to unpack none', 64 * 2 ** 30),
  resultLimitBytes: integer('Largest result, in bytes', 64 * 2 ** 20, { min: 1024, max: 128 * 2 ** 20 }),
  jailMemoryMb: integer('Memory of an attempt, in MiB', 512, { min: 64 }),
  jailUser: flag('Run attempts as nobody when started as root', true),
  killGraceMs: milliseconds('From TERM to KILL', 2000),
  attemptHeartbeatSeconds: integer('How long an attempt may give no sign of life, in seconds; 0 for no limit', 300),
  progressSeconds: integer('How long an attempt may tell no progress, in seconds; 0 for no limit', 0),
  drainMs: milliseconds('How long attempts may go on after a stop signal', 30_000, { min: 0 }),
  metricsHost: text('Address of the metrics', '127.0.0.1'),
  metricsPort: port('Port of the metrics', 9090),
  heartbeatMs: milliseconds('Between two signs of life', 2000),
  lockMs: milliseconds('How long a claim lasts without renewal', 2500, { min: 1000 }),
  stalledCheckMs: milliseconds('Between two looks for jobs of vanished workers', 1000, { min: 100 }),
  stuckMs: milliseconds('How long to take nothing, though jobs wait, before claiming is begun anew', 15_000, {
    min: 100,
  }),
  maxLostAttempts: integer('Vanished workers that a job survives', 5),
  retry: list(
    'How to retry operations, where documents do not say: NAME=POLICY:DELAY:CAP:JITTER:CLASS+CLASS',
    [],
    (settings) => void readRetrySettings(settings),
  ),
  maxDiskSizeGb: integer('Largest disk to take, in GB; 0 for no bound', 0),
  labels: list('Labels k=v that routing.affinity is matched with', [], checkLabels),
  dataLocality: list('Names of the storage that is near', []),
  privileged: flag('Take jobs that require a privileged worker', false),
} as const;

function checkBuckets(buckets: readonly string[]): void {
  const wrong = buckets.find((bucket) => !/^(?:\*|[a-z0-9][a-z0-9.-]+(?:\/.*)?)$/.test(bucket));
  demand(wrong === undefined, `must be BUCKET, BUCKET/FOLDER or *, got "${wrong}"`);
}

function checkLabels(labels: readonly string[]): void {
  const wrong = labels.find((label) => label.indexOf('=') < 1);
  demand(wrong === undefined, `must be pairs like zone=a, got "${wrong}"`);
}
