import { DiskError } from '../error.ts';
import { quote } from '../quote.ts';

/**
 * Refuses names that are no plain path: `json:{…}`, `nbd://host`, `file:/etc/passwd`. qemu would hand them to a driver that the
 * image picked (CVE-2024-4467), so no policy may ever see them.
 * @throws DiskError `denied`
 */
export function checkReferenceName(name: string): void {
  // a colon before the first slash is a protocol to qemu
  const state = /^[^/]*:/.test(name) ? 'it names a protocol' : name.includes('\0') ? 'it holds a NUL' : undefined;
  if (state === undefined && name !== '') return;
  throw new DiskError(
    'denied',
    `Cannot open reference ${quote(name)}: ${state ?? 'it is empty'}, expected a plain path`,
  );
}
