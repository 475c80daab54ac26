import { CachedSource, type Disk, DiskError, openDisk } from '@guestkit/disk';
import { type InspectDocument, inspectDisk } from '@guestkit/guest';
import type { Runner } from '../operation.ts';
import type { InspectPayload } from './payload.ts';

// Runs inside the jail: nothing here may import zod, or anything else that start-up would wait for.

/** Inside a jail every read is a round trip: fewer and larger ones come out ahead. */
const BLOCK_BYTES = 128 * 1024;

export interface InspectResult {
  readonly status: 'completed';
  readonly summary: {
    readonly image: string;
    /** The container found, whatever the payload claimed. */
    readonly format: string;
    /** When the inspection was made, RFC 3339 in UTC. */
    readonly inspection_time: string;
    readonly duration_ms: number;
    readonly operating_system: string;
    readonly distribution: string;
    readonly version: string | null;
    readonly package_count: number | null;
  };
  readonly inspect: InspectDocument;
}

/** Inspects the image that an `InspectPayload` names. @throws DiskError `not-found` when it holds no operating system */
export const runInspect: Runner = (payload, context): InspectResult => {
  const started = performance.now();
  // the supervisor parsed it before it came here
  const { options } = payload as InspectPayload;
  const [image] = context.images;
  if (!image) throw new TypeError('Cannot inspect: no image was handed over, expected one');

  context.progress({ phase: 'inspection', percent: 20, message: 'Reading the image' });
  const disk = openDisk(new CachedSource(image.source, { blockBytes: BLOCK_BYTES }), {
    claimedFormat: image.request.format,
    allowFormatOverride: image.request.allowFormatOverride,
    references: { open: (name, from) => image.openReference(name, from) },
    ...image.choice,
  });
  const inspect = inspectDisk(disk, options);
  if (inspect.operating_system === null) throw noOperatingSystem(disk);
  context.progress({ phase: 'analysis', percent: 80, message: `Found ${titleOf(inspect)}` });
  const summary = summarize(image.request.path, inspect, performance.now() - started);
  context.progress({ phase: 'complete', percent: 100, message: 'Inspection complete' });
  return { status: 'completed', summary, inspect };
};

/** Says what there is instead, so that a reader need not guess. */
function noOperatingSystem(disk: Disk): DiskError {
  const found = disk.volumes.map(({ device, fileSystem, signature, error }) => {
    const type = fileSystem?.type ?? signature?.type ?? 'nothing known';
    return error ? `${device}: ${type} (${error.message})` : `${device}: ${type}`;
  });
  const volumes = found.length > 0 ? found.join(', ') : 'no volumes';
  return new DiskError('not-found', `Cannot inspect image: no operating system found (${volumes})`, {
    format: disk.image.facts.format,
  });
}

function titleOf({ operating_system }: InspectDocument): string {
  return operating_system?.product_name ?? operating_system?.distribution ?? 'a guest';
}

function summarize(image: string, inspect: InspectDocument, durationMs: number): InspectResult['summary'] {
  return {
    image,
    format: inspect.image.format,
    inspection_time: new Date().toISOString(),
    duration_ms: Math.round(durationMs),
    operating_system: titleOf(inspect),
    distribution: inspect.operating_system?.distribution ?? 'unknown',
    version: inspect.operating_system?.version ?? null,
    package_count: inspect.packages?.count ?? null,
  };
}
