import type { IncomingMessage } from 'node:http';
import type { ApiConfig } from '@guestkit/core/config/api-config';
import { splitJsonArray } from '@guestkit/core/job/json-array';
import { StrictJsonError } from '@guestkit/core/job/strict-json';
import { Problem } from '../problem.ts';
import { decodeUtf8, discardRest, readBytes, requireMedia, tooLarge } from '../request/body.ts';
import { readLines } from '../request/lines.ts';

export const MAX_ITEMS = 10_000;

/** The text of a document, or why it cannot be read. */
export type BatchItem = string | Problem;

type Limits = Pick<ApiConfig, 'bodyLimitBytes' | 'batchLimitBytes'>;

/** The items of a posted batch: of a stream of lines no further than they are asked for, of an array after all of it has come. */
export function readItems(request: IncomingMessage, limits: Limits): AsyncGenerator<BatchItem> {
  const media = requireMedia(request, ['json', 'ndjson']);
  return media === 'json' ? itemsOfArray(request, limits) : itemsOfLines(request, limits);
}

async function* itemsOfArray(request: IncomingMessage, limits: Limits): AsyncGenerator<BatchItem> {
  const items = split(decodeUtf8(await readBytes(request, limits.batchLimitBytes)));
  if (items.length > MAX_ITEMS) throw tooMany();
  for (const text of items) yield Buffer.byteLength(text) > limits.bodyLimitBytes ? tooLong(limits) : text;
}

function split(text: string): readonly string[] {
  try {
    return splitJsonArray(text);
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause;
    throw new Problem('bad-request', cause.message, { cause });
  }
}

async function* itemsOfLines(request: IncomingMessage, limits: Limits): AsyncGenerator<BatchItem> {
  let count = 0;
  try {
    for await (const line of readLines(request, {
      lineBytes: limits.bodyLimitBytes,
      bodyBytes: limits.batchLimitBytes,
    })) {
      if (line !== undefined && isBlank(line)) continue;
      count += 1;
      if (count > MAX_ITEMS) throw tooMany();
      yield line === undefined ? tooLong(limits) : decoded(line);
    }
  } finally {
    await discardRest(request);
  }
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09);
}

function decoded(line: Buffer): BatchItem {
  try {
    return decodeUtf8(line);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

function tooLong({ bodyLimitBytes }: Limits): Problem {
  return tooLarge(bodyLimitBytes, {}, 'document');
}

function tooMany(): Problem {
  return new Problem('too-large', `Cannot take more: a batch has at most ${MAX_ITEMS} documents`, {
    details: { limit_documents: MAX_ITEMS },
    headers: { connection: 'close' },
  });
}
