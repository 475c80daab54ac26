import { type Answer, absent, ok } from '../collected.ts';
import type { GuestFiles } from '../guest-files.ts';
import { parseShellAssignments } from './shell-assignments.ts';

// in the order in which init systems of their time would win
const NAME_FILES = ['/etc/hostname', '/etc/HOSTNAME', '/etc/nodename'] as const;
const ASSIGNMENT_FILES: readonly (readonly [path: string, variable: string])[] = [
  ['/etc/sysconfig/network', 'HOSTNAME'],
  ['/etc/conf.d/hostname', 'hostname'],
  ['/etc/conf.d/hostname', 'HOSTNAME'],
  ['/etc/rc.conf', 'HOSTNAME'],
];

/** The name the guest gives itself, fully qualified where it says so. */
export function readHostname(files: GuestFiles): Answer<string> {
  for (const path of NAME_FILES) {
    const name = firstName(files.readText(path));
    if (name) return ok(name);
  }
  for (const [path, variable] of ASSIGNMENT_FILES) {
    const name = parseShellAssignments(files.readText(path) ?? '').get(variable);
    if (name) return ok(name);
  }
  return absent('No file sets a host name');
}

/** The first line that is neither blank nor a comment. */
function firstName(text = ''): string | undefined {
  return text
    .split('\n', 100)
    .map((line) => line.trim())
    .find((line) => line !== '' && !line.startsWith('#'));
}
