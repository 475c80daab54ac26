import { type Answer, absent, ok } from '../collected.ts';
import type { GuestFiles } from '../guest-files.ts';

// machine-id(5); D-Bus kept its own before
const PATHS = ['/etc/machine-id', '/var/lib/dbus/machine-id'] as const;

/** The guest's machine id; `absent` in images that are yet to get one at their first boot. */
export function readMachineId(files: GuestFiles): Answer<string> {
  for (const path of PATHS) {
    const id = files.readText(path)?.trim().toLowerCase() ?? '';
    if (/^[0-9a-f]{32}$/.test(id)) return ok(id);
  }
  return absent('No machine id is set: it is made at the first boot');
}
