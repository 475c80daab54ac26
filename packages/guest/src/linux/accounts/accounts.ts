import { type Answer, absent, ok } from '../../collected.ts';
import type { GuestFiles } from '../../guest-files.ts';
import { parseUidRange, type UidRange } from './login-defs.ts';
import {
  type GroupEntry,
  type PasswdEntry,
  type PasswordState,
  parseGroup,
  parsePasswd,
  parseShadow,
  passwordState,
} from './passwd.ts';

/** An account of the guest, without its secrets. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly comment: string;
  readonly home: string;
  readonly shell: string;
  /** The shell lets a person in. */
  readonly login: boolean;
  /** The uid lies outside the range that login.defs gives to people. */
  readonly system: boolean;
  readonly password: PasswordState;
}

export interface Accounts {
  readonly count: number;
  /** Accounts with a shell that lets in. */
  readonly login_count: number;
  readonly accounts: readonly Account[];
  readonly groups: readonly GroupEntry[];
}

const NO_LOGIN_SHELLS = new Set(['nologin', 'false', 'true', 'sync', 'halt', 'shutdown', 'git-shell', 'null']);

export function readAccounts(files: GuestFiles): Answer<Accounts> {
  const passwd = files.readText('/etc/passwd');
  if (passwd === undefined) return absent("There is no '/etc/passwd'");
  const shadow = parseShadow(files.readText('/etc/shadow') ?? '');
  const people = parseUidRange(files.readText('/etc/login.defs') ?? '');
  const accounts = parsePasswd(passwd).map((entry) => accountOf(entry, shadow, people));
  return ok({
    count: accounts.length,
    login_count: accounts.filter(({ login }) => login).length,
    accounts,
    groups: parseGroup(files.readText('/etc/group') ?? ''),
  });
}

function accountOf(entry: PasswdEntry, shadow: ReadonlyMap<string, PasswordState>, people: UidRange): Account {
  const { password, ...visible } = entry;
  return {
    ...visible,
    login: letsIn(entry.shell),
    system: entry.uid < people.min || entry.uid > people.max,
    // `x` refers to shadow; anything else is the password field itself, as in old days
    password: password === 'x' ? (shadow.get(entry.name) ?? 'unknown') : passwordState(password),
  };
}

/** passwd(5): no shell means /bin/sh. */
function letsIn(shell: string): boolean {
  return !NO_LOGIN_SHELLS.has(shell.slice(shell.lastIndexOf('/') + 1));
}
