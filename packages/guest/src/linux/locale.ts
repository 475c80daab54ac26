import { type Answer, ok } from '../collected.ts';
import type { GuestFiles } from '../guest-files.ts';
import { parseShellAssignments } from './shell-assignments.ts';

export interface Locale {
  /** Name in the time zone database: `Europe/Berlin`. */
  readonly timezone: string | null;
  readonly lang: string | null;
  readonly keymap: string | null;
}

const LANG_FILES = [
  '/etc/locale.conf',
  '/etc/default/locale',
  '/etc/sysconfig/i18n',
  '/etc/sysconfig/language',
] as const;

export function readLocale(files: GuestFiles): Answer<Locale> {
  return ok({
    timezone: timezoneOf(files),
    lang: first(LANG_FILES.map((path) => variable(files, path, 'LANG') ?? variable(files, path, 'RC_LANG'))),
    keymap:
      variable(files, '/etc/vconsole.conf', 'KEYMAP') ?? variable(files, '/etc/default/keyboard', 'XKBLAYOUT') ?? null,
  });
}

/** The link is what the C library reads; the text file is Debian's note of it. */
function timezoneOf(files: GuestFiles): string | null {
  const linked = /zoneinfo\/(?:posix\/|right\/)?(.+)$/.exec(files.readlink('/etc/localtime') ?? '')?.[1];
  if (linked) return linked;
  const noted = files.readText('/etc/timezone')?.trim();
  return noted || variable(files, '/etc/sysconfig/clock', 'ZONE') || null;
}

function variable(files: GuestFiles, path: string, name: string): string | undefined {
  return parseShellAssignments(files.readText(path) ?? '').get(name) || undefined;
}

function first(values: readonly (string | undefined)[]): string | null {
  return values.find((value) => value !== undefined) ?? null;
}
