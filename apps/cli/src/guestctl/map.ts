import { type Extent, type ExtentKind, extentsOf } from '@guestkit/disk';
import { formatBytes } from '@guestkit/operations/report/size';
import { type OutputFormat, write } from '../output/print.ts';
import { withBytes } from './chosen-bytes.ts';
import type { DeviceOptions } from './guestctl.ts';

/** A range of the disk. The last three are what `qemu-img map --output=json` says of it. */
interface MapEntry {
  readonly start: number;
  readonly length: number;
  readonly kind: ExtentKind;
  readonly present: boolean;
  readonly zero: boolean;
  readonly data: boolean;
}

const ENOUGH_TO_WRITE = 2 ** 16;

/** Which ranges are stored. Printed as they are found: a large image may have millions. */
export async function map(image: string, options: DeviceOptions): Promise<void> {
  await withBytes(image, options, async (source) => {
    let pending = '';
    for (const text of textOf(extentsOf(source, 0, source.sizeBytes), options.output)) {
      pending += text;
      if (pending.length < ENOUGH_TO_WRITE) continue;
      await write(process.stdout, pending);
      pending = '';
    }
    await write(process.stdout, pending);
  });
}

function* textOf(extents: Iterable<Extent>, format: OutputFormat): Iterable<string> {
  const { head, entry, between, tail } = WRITERS[format];
  const totals = { data: 0, zero: 0, absent: 0 };
  let count = 0;
  yield head;
  for (const extent of extents) {
    if (count++ > 0) yield between;
    totals[extent.kind] += extent.length;
    yield entry(toEntry(extent));
  }
  yield tail(totals, count);
}

function toEntry({ offset, length, kind }: Extent): MapEntry {
  const flags = { present: kind !== 'absent', zero: kind !== 'data', data: kind === 'data' };
  return { start: offset, length, kind, ...flags };
}

interface Writer {
  readonly head: string;
  readonly between: string;
  entry(entry: MapEntry): string;
  tail(totals: Readonly<Record<ExtentKind, number>>, count: number): string;
}

const COLUMN = 16;

const WRITERS: Readonly<Record<OutputFormat, Writer>> = {
  table: {
    head: `${'START'.padStart(COLUMN)}  ${'LENGTH'.padStart(COLUMN)}  KIND\n`,
    between: '',
    entry: ({ start, length, kind }) =>
      `${String(start).padStart(COLUMN)}  ${String(length).padStart(COLUMN)}  ${kind}\n`,
    tail: ({ data, zero, absent }) =>
      `\ndata ${formatBytes(data)}, zero ${formatBytes(zero)}, absent ${formatBytes(absent)}\n`,
  },
  // numbers and words of ours: nothing to escape
  json: {
    head: '[',
    between: ',',
    entry: (entry) => `\n  ${JSON.stringify(entry)}`,
    tail: (_, count) => (count === 0 ? ']\n' : '\n]\n'),
  },
  yaml: {
    head: '',
    between: '',
    entry: (entry) =>
      `- ${Object.entries(entry)
        .map(([name, value]) => `${name}: ${value}`)
        .join('\n  ')}\n`,
    tail: (_, count) => (count === 0 ? '[]\n' : ''),
  },
};
