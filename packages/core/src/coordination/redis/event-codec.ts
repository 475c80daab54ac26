import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import type { JobEvent } from '../../job/event.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Results of hundreds of kilobytes pass through the stream; below this size compressing costs more than it saves. */
const COMPRESS_FROM_BYTES = 16 * 1024;
/** No event is larger; a few compressed bytes must not fill the memory. */
const MAX_EVENT_BYTES = 256 * 1024 * 1024;
/** Of an entry with several events: a reader holds many entries at once. */
const MAX_ENTRY_CHARS = 64 * 1024;
const MAX_ENTRY_EVENTS = 64;

/**
 * The one field of an entry on the stream: one event, or, as `batch`, an array of small ones. In a batch an event of the same attempt
 * as the one before it does not say again which that is: it has no `job_id`.
 */
export type EncodedEntry = readonly [field: 'json' | 'zstd' | 'batch', value: string | Buffer];

/** Puts events into as few entries as may be, in their order. */
export async function encodeEvents(events: readonly JobEvent[]): Promise<readonly EncodedEntry[]> {
  const entries: (EncodedEntry | Promise<EncodedEntry>)[] = [];
  let small: string[] = [];
  let chars = 0;
  let previous: JobEvent | undefined;
  const closeBatch = () => {
    if (small.length > 0)
      entries.push(small.length === 1 ? ['json', small[0] ?? ''] : ['batch', `[${small.join(',')}]`]);
    small = [];
    chars = 0;
    previous = undefined;
  };
  for (const event of events) {
    let json = JSON.stringify(isOfSameAttempt(event, previous) ? shortened(event) : event);
    const isLarge = json.length >= COMPRESS_FROM_BYTES;
    if (isLarge || small.length === MAX_ENTRY_EVENTS || chars + json.length > MAX_ENTRY_CHARS) {
      if (previous !== undefined) json = JSON.stringify(event);
      closeBatch();
    }
    if (isLarge) entries.push(compressed(json));
    else {
      small.push(json);
      chars += json.length;
      previous = event;
    }
  }
  closeBatch();
  return Promise.all(entries);
}

function isOfSameAttempt(event: JobEvent, previous: JobEvent | undefined): boolean {
  return (
    previous !== undefined &&
    event.job_id === previous.job_id &&
    event.attempt === previous.attempt &&
    event.token === previous.token &&
    event.worker_id === previous.worker_id &&
    event.tenant === previous.tenant
  );
}

function shortened({ tenant, job_id, attempt, worker_id, token, ...rest }: JobEvent): object {
  return rest;
}

function completed(events: readonly object[]): readonly JobEvent[] {
  let last: JobEvent | undefined;
  return events.map((event) => {
    const isWhole = last === undefined || 'job_id' in event;
    last = (isWhole ? event : { ...attemptOf(last), ...event }) as JobEvent;
    return last;
  });
}

function attemptOf(event: JobEvent | undefined): object {
  const { tenant, job_id, attempt, worker_id, token } = event ?? {};
  return { tenant, job_id, attempt, worker_id, ...(token !== undefined && { token }) };
}

async function compressed(json: string): Promise<EncodedEntry> {
  return ['zstd', await compress(json)];
}

/** @throws Error when the entry is none of ours */
export async function decodeEvents(fields: readonly Buffer[]): Promise<readonly JobEvent[]> {
  const [field, value] = fields;
  const name = field?.toString();
  if (value === undefined || (name !== 'json' && name !== 'zstd' && name !== 'batch')) {
    throw new Error(`Cannot decode an event: its field is "${name}", expected "json", "zstd" or "batch"`);
  }
  const json = name === 'zstd' ? await decompress(value, { maxOutputLength: MAX_EVENT_BYTES }) : value;
  const decoded = JSON.parse(json.toString());
  return name === 'batch' ? completed(decoded) : [decoded];
}
