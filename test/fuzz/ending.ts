import { type ByteSource, DiskError } from '@guestkit/disk';
import type { Family, Seed } from './family.ts';

/** How the reading of one image ended. */
export interface Ending {
  /** What was thrown that is no DiskError: a bug. */
  readonly failure: unknown;
  readonly cpuMs: number;
  /** Errors met on the way, without their numbers: two that are alike took much the same way. */
  readonly signature: string;
}

const MOST_NOTES = 12;

export function endingOf(family: Pick<Family, 'read'>, source: ByteSource, files: NonNullable<Seed['files']>): Ending {
  const notes = new Set<string>();
  const note = (error: DiskError) => {
    if (notes.size < MOST_NOTES) notes.add(shapeOf(error));
  };
  const start = process.threadCpuUsage();
  let failure: unknown;
  try {
    family.read(source, { files, note });
  } catch (error) {
    if (error instanceof DiskError) note(error);
    else failure = error;
  }
  const { user, system } = process.threadCpuUsage(start);
  return { failure, cpuMs: (user + system) / 1000, signature: [...notes].join('|') };
}

function shapeOf({ kind, format, message }: DiskError): string {
  return `${kind} ${format}: ${message.replace(/"[^"]*"|0x[\da-f]+|\d+/g, '#')}`;
}

/** What a bug is known by: its message, and where in the engine it was thrown. */
export function bugOf(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure);
  const frame = failure.stack?.split('\n').find((line) => line.includes('/packages/'));
  return `${failure.name}: ${failure.message.replace(/\d+/g, '#').slice(0, 200)} ${frame?.trim().replace(/^at |\(?file:.*\/packages\//g, '') ?? ''}`;
}
