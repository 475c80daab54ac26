// The account databases: passwd(5), group(5), shadow(5). Hashes are looked at and never kept (security rule R11).

export interface PasswdEntry {
  readonly name: string;
  readonly password: string;
  readonly uid: number;
  readonly gid: number;
  readonly comment: string;
  readonly home: string;
  readonly shell: string;
}

export interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/**
 * *set*: some password lets in. *empty*: none is needed. *locked*: a password exists behind a lock. *disabled*: no password can
 * match. *unknown*: there is no shadow entry to tell.
 */
export type PasswordState = 'set' | 'empty' | 'locked' | 'disabled' | 'unknown';

export function parsePasswd(text: string): readonly PasswdEntry[] {
  return records(text).flatMap(([name, password = '', uid, gid, comment = '', home = '', shell = '']) => {
    const entry = { name: name ?? '', password, uid: idOf(uid), gid: idOf(gid), comment, home, shell };
    return entry.uid === undefined || entry.gid === undefined ? [] : [{ ...entry, uid: entry.uid, gid: entry.gid }];
  });
}

export function parseGroup(text: string): readonly GroupEntry[] {
  return records(text).flatMap(([name = '', , gidField, members = '']) => {
    const gid = idOf(gidField);
    return gid === undefined ? [] : [{ name, gid, members: members.split(',').filter((member) => member !== '') }];
  });
}

/** What the password field of each account in shadow(5) amounts to. */
export function parseShadow(text: string): Map<string, PasswordState> {
  return new Map(records(text).map(([name = '', password = '']) => [name, passwordState(password)]));
}

export function passwordState(field: string): PasswordState {
  if (field === '') return 'empty';
  if (/^[!*]/.test(field)) return isHash(field.replace(/^[!*]+/, '')) ? 'locked' : 'disabled';
  return isHash(field) ? 'set' : 'disabled';
}

/** crypt(5): `$id$…`, or the 13 characters of DES; `_` starts the extended DES form. */
function isHash(field: string): boolean {
  return /^(\$[^$]|_[./0-9A-Za-z]{19}$|[./0-9A-Za-z]{13}$)/.test(field);
}

/** Lines of fields between colons; comments and the `+`/`-` lines of NIS are no accounts. */
function records(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => /^[^#+\-:\s]/.test(line))
    .map((line) => line.trimEnd().split(':'));
}

function idOf(field = ''): number | undefined {
  return /^\d{1,10}$/.test(field) ? Number(field) : undefined;
}
