import { isPoolName } from '../job/pool.ts';
import { type Derived, demand, flag, list, oneOf, optionalText, text } from './schema.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** Keys that every app has. */
export const COMMON_KEYS = {
  dataDir: text('Folder for the embedded Redis, the database and results', '.guestkit'),
  redisUrl: optionalText('Redis: redis://, rediss://, unix:/path or /path; embedded when not set', {
    env: 'REDIS_URL',
    secret: 'password',
    check: checkRedisUrl,
  }),
  redisPrefix: text('First part of every Redis key', 'guestkit', { check: checkName }),
  databaseUrl: optionalText('Database: postgres://…, or sqlite:/path; a file in the data folder when not set', {
    env: 'DATABASE_URL',
    secret: 'password',
    check: checkDatabaseUrl,
  }),
  artifacts: optionalText(
    'Artifact store: file:/path, or s3://bucket/prefix; a folder in the data folder when not set',
    {
      check: checkArtifacts,
    },
  ),
  s3Endpoint: optionalText('S3 service other than that of Amazon: http://…, https://…', { check: checkHttpUrl }),
  s3Region: optionalText("Region of the bucket, where the SDK's own settings name none"),
  s3PathStyle: flag('Name the bucket in the path, not in the host name, as many S3 services want', false),
  tenant: text('Owner of the jobs', 'default', { check: checkName }),
  logLevel: oneOf(LOG_LEVELS, 'Least severe log lines to write', 'info'),
} as const;

/** A list of at least one folder. */
export function folders(doc: string, fallback: Derived<readonly string[]>) {
  return list(doc, fallback, (paths) => demand(paths.length > 0, 'must name at least one folder'));
}

export function checkName(name: string): void {
  demand(isPoolName(name), 'must be up to 64 letters, digits, dots, hyphens or underscores');
}

function checkRedisUrl(url: string): void {
  demand(/^(?:rediss?:\/\/.|unix:\/.|\/.)/.test(url), 'must be redis://…, rediss://…, unix:/path or /path');
}

function checkArtifacts(url: string): void {
  demand(/^(?:file:.|s3:\/\/[a-z0-9][a-z0-9.-]+(?:\/|$))/.test(url), 'must be file:/path or s3://bucket/prefix');
}

function checkHttpUrl(url: string): void {
  demand(/^https?:\/\/./.test(url), 'must be http://… or https://…');
}

function checkDatabaseUrl(url: string): void {
  demand(/^(?:postgres(?:ql)?:\/\/.|sqlite:.)/.test(url), 'must be postgres://… or sqlite:/path');
}
