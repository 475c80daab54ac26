import type { Writable } from 'node:stream';
import { toJson } from './json.ts';

export const OUTPUT_FORMATS = ['table', 'json', 'yaml'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** Prints a document on stdout as asked: as data, or as what `render` makes of it for people. */
export async function print<Document>(
  format: OutputFormat,
  document: Document,
  render: (document: Document) => string,
): Promise<void> {
  await write(process.stdout, await encode(format, document, render));
}

/** Resolves once the stream took it, so that a long output waits for its reader and notices when that one is gone. */
export function write(stream: Writable, chunk: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => stream.write(chunk, (error) => (error ? reject(error) : resolve())));
}

async function encode<Document>(
  format: OutputFormat,
  document: Document,
  render: (document: Document) => string,
): Promise<string> {
  if (format === 'json') return toJson(document);
  if (format === 'yaml') return (await import('./yaml.ts')).toYaml(document);
  return render(document);
}
