import { type Answer, absent, ok } from '../collected.ts';
import { filesMatching } from '../file-glob.ts';
import type { GuestFiles } from '../guest-files.ts';

// sshd_config(5): for each keyword the first value counts, an Include is read in its place, Match blocks apply to some only

export interface SshServer {
  /** `yes`, `no`, `prohibit-password` or `forced-commands-only`. */
  readonly permit_root_login: string;
  /** `yes` or `no`. */
  readonly password_auth: string;
  readonly pubkey_auth: string;
  readonly permit_empty_passwords: string;
  readonly x11_forwarding: string;
  readonly ports: readonly number[];
  /** Where each setting comes from: a path, or `default` of OpenSSH. */
  readonly set_by: {
    readonly permit_root_login: string;
    readonly password_auth: string;
  };
}

interface Setting {
  readonly value: string;
  readonly path: string;
}

const MAIN_FILES = ['/etc/ssh/sshd_config', '/usr/etc/ssh/sshd_config', '/usr/share/openssh/sshd_config'] as const;
// sshd itself stops at 16
const MAX_INCLUDE_DEPTH = 16;
const MAX_INCLUDED_FILES = 1000;

/** The settings that hold for everybody; `absent` when there is no server configuration. */
export function readSshServer(files: GuestFiles): Answer<SshServer> {
  const path = MAIN_FILES.find((candidate) => files.file(candidate));
  if (path === undefined) return absent('There is no sshd_config');
  const settings = new Map<string, Setting[]>();
  readConfiguration(files, path, settings, { depth: 0, files: 0 });
  return ok(describe(settings));
}

const WANTED = new Set([
  'permitrootlogin',
  'passwordauthentication',
  'pubkeyauthentication',
  'permitemptypasswords',
  'x11forwarding',
  'port',
]);

function addTo(settings: Map<string, Setting[]>, keyword: string, setting: Setting): void {
  const known = settings.get(keyword);
  if (known) known.push(setting);
  else settings.set(keyword, [setting]);
}

interface Reading {
  readonly depth: number;
  files: number;
}

function readConfiguration(files: GuestFiles, path: string, settings: Map<string, Setting[]>, reading: Reading): void {
  if (reading.depth > MAX_INCLUDE_DEPTH || reading.files >= MAX_INCLUDED_FILES) return;
  reading.files += 1;
  for (const { keyword, value } of directives(files.readTextOrNote(path) ?? '')) {
    // a Match block lasts to the end of its file
    if (keyword === 'match') return;
    if (keyword === 'include') include(files, value, settings, reading);
    else if (WANTED.has(keyword)) addTo(settings, keyword, { value, path });
  }
}

function include(files: GuestFiles, patterns: string, settings: Map<string, Setting[]>, reading: Reading): void {
  const deeper = { depth: reading.depth + 1, files: reading.files };
  for (const pattern of patterns.split(/\s+/)) {
    // a pattern costs a look into a folder, whatever it matches
    deeper.files += 1;
    if (deeper.files >= MAX_INCLUDED_FILES) break;
    const absolute = pattern.startsWith('/') ? pattern : `/etc/ssh/${pattern}`;
    for (const path of filesMatching(files, absolute)) readConfiguration(files, path, settings, deeper);
  }
  reading.files = deeper.files;
}

/** `Keyword value`, `Keyword=value`, quotes around the value; keywords know no case. */
export function* directives(text: string): Iterable<{ readonly keyword: string; readonly value: string }> {
  for (const line of text.split('\n')) {
    const [, keyword, rest = ''] = /^\s*([A-Za-z0-9]+)(?:\s*=\s*|\s+)(.*)$/.exec(line) ?? [];
    const value = withoutComment(rest).replaceAll('"', '').trim();
    if (keyword && value) yield { keyword: keyword.toLowerCase(), value };
  }
}

function withoutComment(text: string): string {
  const comment = text.search(/[ \t]#/);
  return comment < 0 ? text : text.slice(0, comment);
}

function describe(settings: ReadonlyMap<string, readonly Setting[]>): SshServer {
  const first = (keyword: string, fallback: string): Setting =>
    settings.get(keyword)?.[0] ?? { value: fallback, path: 'default' };
  const rootLogin = first('permitrootlogin', 'prohibit-password');
  const passwords = first('passwordauthentication', 'yes');
  return {
    permit_root_login: rootLoginName(rootLogin.value),
    password_auth: passwords.value.toLowerCase(),
    pubkey_auth: first('pubkeyauthentication', 'yes').value.toLowerCase(),
    permit_empty_passwords: first('permitemptypasswords', 'no').value.toLowerCase(),
    x11_forwarding: first('x11forwarding', 'no').value.toLowerCase(),
    // Port adds up, unlike all others
    ports: portsOf(settings.get('port') ?? []),
    set_by: { permit_root_login: rootLogin.path, password_auth: passwords.path },
  };
}

/** `without-password` is the old name. */
function rootLoginName(value: string): string {
  const name = value.toLowerCase();
  return name === 'without-password' ? 'prohibit-password' : name;
}

function portsOf(settings: readonly Setting[]): readonly number[] {
  const ports = settings
    .map(({ value }) => Number(value))
    .filter((port) => Number.isInteger(port) && port > 0 && port < 65_536);
  return ports.length > 0 ? ports : [22];
}
