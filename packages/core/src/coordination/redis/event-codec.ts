import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import type { JobEvent } from '../../job/event.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Results of hundreds of kilobytes pass through the stream; below this size compressing costs more than it saves. */
const COMPRESS_FROM_BYTES = 16 * 1024;
/** No event is larger; a few compressed bytes must not fill the memory. */
const MAX_EVENT_BYTES = 256 * 1024 * 1024;

/** The one field of an entry on the stream. */
export type EncodedEvent = readonly [field: 'json' | 'zstd', value: Buffer];

export async function encodeEvent(event: JobEvent): Promise<EncodedEvent> {
  const json = Buffer.from(JSON.stringify(event));
  return json.length < COMPRESS_FROM_BYTES ? ['json', json] : ['zstd', await compress(json)];
}

/** @throws Error when the entry is none of ours */
export async function decodeEvent(fields: readonly Buffer[]): Promise<JobEvent> {
  const [field, value] = fields;
  const name = field?.toString();
  if (value === undefined || (name !== 'json' && name !== 'zstd')) {
    throw new Error(`Cannot decode an event: its field is "${name}", expected "json" or "zstd"`);
  }
  const json = name === 'json' ? value : await decompress(value, { maxOutputLength: MAX_EVENT_BYTES });
  return JSON.parse(json.toString());
}
