import { LIMIT } from './layout.ts';

// What clients send along with options: hostile, and `undefined` where it contradicts itself.

export interface InfoRequest {
  readonly name: string;
  /** Kinds of fact that the client wants besides those it gets anyway. */
  readonly kinds: readonly number[];
}

export function parseInfoRequest(data: Buffer): InfoRequest | undefined {
  const name = readText(data, 0);
  if (name === undefined || name.end + 2 > data.length) return undefined;
  const count = data.readUInt16BE(name.end);
  if (name.end + 2 + count * 2 !== data.length) return undefined;
  const kinds = Array.from({ length: count }, (_, index) => data.readUInt16BE(name.end + 2 + index * 2));
  return { name: name.text, kinds };
}

export interface MetaContextRequest {
  readonly name: string;
  readonly queries: readonly string[];
}

export function parseMetaContextRequest(data: Buffer): MetaContextRequest | undefined {
  const name = readText(data, 0);
  if (name === undefined || name.end + 4 > data.length) return undefined;
  const count = data.readUInt32BE(name.end);
  if (count > LIMIT.metaQueries) return undefined;
  const queries: string[] = [];
  let at = name.end + 4;
  while (queries.length < count) {
    const query = readText(data, at);
    if (query === undefined) return undefined;
    queries.push(query.text);
    at = query.end;
  }
  return at === data.length ? { name: name.text, queries } : undefined;
}

/** Text with its length before it. */
function readText(data: Buffer, at: number): { readonly text: string; readonly end: number } | undefined {
  if (at + 4 > data.length) return undefined;
  const end = at + 4 + data.readUInt32BE(at);
  return end > data.length ? undefined : { text: data.toString('utf8', at + 4, end), end };
}
