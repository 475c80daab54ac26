import { type DestinationStream, type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino';
import type { JobDocument } from '../job/document.ts';
import { plainText } from './plain-text.ts';

export type Logger = PinoLogger;

export interface LoggerOptions {
  readonly level: string;
  readonly app: string;
  readonly nodeId: string;
  /** Standard output where not given. */
  readonly destination?: DestinationStream;
}

const SECRETS = ['apiKey', 'api_key', 'authorization', 'password', 'cookie', 'secret', 'token', 'x-api-key'];

/** Writes JSON lines. Members that hold secrets are masked up to two levels deep. */
export function createLogger({ level, app, nodeId, destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: { app, node_id: nodeId },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: SECRETS.flatMap(pathsOf), censor: '********' },
    // JSON escapes the old control characters by itself; the line break at the end must stay
    hooks: { streamWrite: (line: string) => `${plainText(line.trimEnd(), Number.POSITIVE_INFINITY)}\n` },
  };
  return destination ? pino(options, destination) : pino(options);
}

/** A logger that names the job, and what it belongs to, on every line. */
export function jobLogger(logger: Logger, document: JobDocument, attempt: number): Logger {
  const { correlation_id, trace_id } = document.observability ?? {};
  return logger.child({
    job_id: document.job_id,
    attempt,
    operation: document.operation,
    correlation_id: correlation_id ?? null,
    trace_id: trace_id ?? null,
  });
}

function pathsOf(name: string): string[] {
  return [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`];
}
