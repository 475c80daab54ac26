import { type DestinationStream, type Logger as PinoLogger, pino, stdSerializers, stdTimeFunctions } from 'pino';
import type { JobDocument } from '../job/document.ts';
import { maskSecrets } from './mask-secrets.ts';
import { plainText } from './plain-text.ts';

export type Logger = PinoLogger;

export interface LoggerOptions {
  readonly level: string;
  readonly app: string;
  readonly nodeId: string;
  /** Standard output where not given. */
  readonly destination?: DestinationStream;
}

/** Beyond what a terminal shows as it is; most lines have nothing of the kind. */
const UNUSUAL = /[^\x20-\x7e\n]/;

/** Writes JSON lines. Members that hold secrets are masked up to two levels deep. */
export function createLogger({ level, app, nodeId, destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: { app, node_id: nodeId },
    timestamp: stdTimeFunctions.isoTime,
    // pino's own redaction looks for each name on each path, which costs as much as all the rest of a request
    formatters: { level: (label: string) => ({ level: label }), log: maskSecrets },
    serializers: { err: (error: Error) => maskSecrets(stdSerializers.err(error)) },
    // JSON escapes the old control characters by itself; the line break at the end must stay
    hooks: {
      streamWrite: (line: string) =>
        UNUSUAL.test(line) ? `${plainText(line.trimEnd(), Number.POSITIVE_INFINITY)}\n` : line,
    },
  };
  return maskingChildren(pino(options, destination ?? standardOutput()));
}

/** Half of what the destination writes at once. */
const GATHERED_BYTES = 8_192;
const GATHER_MS = 50;

/**
 * Lines wait a moment for others to go with them: a system call for each costs a busy worker a seventh of its time. What is left is
 * written when the process exits.
 */
function standardOutput(): DestinationStream {
  return pino.destination({ dest: 1, sync: false, minLength: GATHERED_BYTES, periodicFlush: GATHER_MS });
}

/** Children take after their parent, in this too. */
function maskingChildren(logger: Logger): Logger {
  const { child } = logger;
  logger.child = function (this: Logger, bindings: object, options: object) {
    return child.call(this, maskSecrets(bindings), options);
  } as Logger['child'];
  return logger;
}

/** A logger that names the job, and what it belongs to, on every line. */
export function jobLogger(logger: Logger, document: JobDocument, attempt: number): Logger {
  return logger.child(logNamesOf(document, attempt));
}

/** What names a job, and what it belongs to, on each line about an attempt of it. */
export function logNamesOf(document: JobDocument, attempt: number): object {
  const { correlation_id, trace_id } = document.observability ?? {};
  return {
    job_id: document.job_id,
    attempt,
    operation: document.operation,
    correlation_id: correlation_id ?? null,
    trace_id: trace_id ?? null,
  };
}
