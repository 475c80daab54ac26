import { shownAddress } from '@guestkit/core/remote/address';
import type { RemoteUsage } from '@guestkit/core/remote/meter';
import type { Disk } from '@guestkit/disk';
import { renderFacts } from '@guestkit/operations/report/facts';
import { formatBytes } from '@guestkit/operations/report/size';
import { print } from '../output/print.ts';
import type { ImageOptions } from './guestctl.ts';
import { withDisk } from './open-image.ts';

interface InfoDocument {
  readonly image: string;
  readonly format: string;
  readonly virtual_size: number;
  readonly file_size: number;
  readonly details: Readonly<Record<string, unknown>>;
  readonly chain: readonly string[];
  readonly partition_table: 'gpt' | 'mbr' | 'none';
  readonly disk_id: string | null;
  readonly sector_size: number | null;
  readonly warnings: readonly string[];
  /** What was fetched, of a remote image. */
  readonly source?: RemoteUsage;
}

export async function info(image: string, options: ImageOptions): Promise<void> {
  await withDisk(image, options, (disk, { usage }) => {
    const document = describeImage(shownAddress(image), disk);
    return print(options.output, usage === undefined ? document : { ...document, source: usage }, render);
  });
}

function describeImage(path: string, { image, table }: Disk): InfoDocument {
  const { format, virtual_size, file_size, details, chain, warnings } = image.facts;
  return {
    image: path,
    format,
    virtual_size,
    file_size,
    details,
    chain,
    partition_table: table?.scheme ?? 'none',
    disk_id: table?.diskId ?? null,
    sector_size: table?.sectorSize ?? null,
    warnings: [...warnings, ...(table?.warnings ?? [])],
  };
}

function render(document: InfoDocument): string {
  const lines: readonly (readonly [string, string])[] = [
    ['image', document.image],
    ['format', document.format],
    ['virtual size', `${formatBytes(document.virtual_size)} (${document.virtual_size} bytes)`],
    ['file size', `${formatBytes(document.file_size)} (${document.file_size} bytes)`],
    ['partition table', document.partition_table],
    ...Object.entries(document.details)
      .filter(isTold)
      .map(([name, value]) => [name.replaceAll('_', ' '), detailText(value)] as const),
    ...(document.chain.length > 0 ? [['chain', document.chain.join(', then ')] as const] : []),
    ...document.warnings.map((text) => ['note', text] as const),
  ];
  return renderFacts(lines);
}

/** What an image does not have needs no line. */
function isTold([, value]: readonly [string, unknown]): boolean {
  return value !== null && !(Array.isArray(value) && value.length === 0);
}

function detailText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
