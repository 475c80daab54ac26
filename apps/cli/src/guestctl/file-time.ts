import type { FileTime } from '@guestkit/disk';

/** RFC 3339 in UTC; null where the filesystem keeps a time that no calendar has. */
export function toRfc3339({ seconds, nanoseconds }: FileTime): string | null {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return null;
  const fraction = nanoseconds === 0 ? '' : `.${String(nanoseconds).padStart(9, '0')}`;
  return date.toISOString().replace(/\.\d+Z$/, `${fraction}Z`);
}
