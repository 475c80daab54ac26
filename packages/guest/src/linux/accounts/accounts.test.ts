import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { corpusFile } from '../../testing/corpus.ts';
import { collectFrom, valueFrom } from '../../testing/guest.ts';
import { readAccounts } from './accounts.ts';
import { parsePasswd, passwordState } from './passwd.ts';

const PASSWD = `root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
# comment
+nisuser::::::
broken:x:abc:1::/:/bin/sh
ada:x:1000:1000:Ada,,,:/home/ada:/bin/zsh
old:$1$abc$defghijklmnopqrstuvwx0:1001:100::/home/old:
`;
const SHADOW = `root:!$6$salt$hash:19000:0:99999:7:::
daemon:*:19000:0:99999:7:::
ada:$y$j9T$salt$hash:19000:0:99999:7:::
`;

describe('readAccounts', () => {
  const files = {
    '/etc/passwd': PASSWD,
    '/etc/shadow': SHADOW,
    '/etc/group': 'root:x:0:\nwheel:x:10:ada,root\nbad:x:y:\n',
  };

  test('reads accounts and groups', () => {
    const accounts = valueFrom(files, readAccounts);
    expect(
      accounts.accounts.map(({ name, uid, system, login, password }) => [name, uid, system, login, password]),
    ).toEqual([
      ['root', 0, true, true, 'locked'],
      ['daemon', 1, true, false, 'disabled'],
      ['nobody', 65534, true, false, 'unknown'],
      ['ada', 1000, false, true, 'set'],
      ['old', 1001, false, true, 'set'],
    ]);
    expect(accounts).toMatchObject({ count: 5, login_count: 3 });
    expect(accounts.groups).toEqual([
      { name: 'root', gid: 0, members: [] },
      { name: 'wheel', gid: 10, members: ['ada', 'root'] },
    ]);
  });

  test('keeps no password field of passwd or shadow', () => {
    expect(JSON.stringify(valueFrom(files, readAccounts))).not.toMatch(/hash|defghijkl|\$y|\$6/);
  });

  test('takes the range of people from login.defs', () => {
    const loginDefs = '# UID_MIN 1\nUID_MIN\t\t 500\nUID_MAX 999\n';
    const { accounts } = valueFrom({ ...files, '/etc/login.defs': loginDefs }, readAccounts);
    expect(accounts.find(({ name }) => name === 'ada')?.system).toBe(true);
    expect(accounts.find(({ name }) => name === 'root')?.system).toBe(true);
  });

  test('answers absent without /etc/passwd', () => {
    expect(collectFrom({ '/etc/shadow': SHADOW }, readAccounts).status).toBe('absent');
  });
});

describe('passwordState', () => {
  test.each([
    ['', 'empty'],
    ['*', 'disabled'],
    ['!', 'disabled'],
    ['!!', 'disabled'],
    ['!*', 'disabled'],
    ['*LK*', 'disabled'],
    ['x', 'disabled'],
    ['!$6$salt$hash', 'locked'],
    ['!!$1$salt$hash', 'locked'],
    ['$2b$12$abc', 'set'],
    ['abJnggxhB/yWI', 'set'],
    ['_J9..K0AyUubRtyOTdM2', 'set'],
  ])('of %j is %s', (field, state) => {
    expect(passwordState(field)).toBe(state);
  });
});

const passwd = corpusFile('os-images/velociraptor/passwd');
test.skipIf(!passwd)('parsePasswd reads every line of a real passwd', () => {
  const text = readFileSync(passwd ?? '', 'utf8');
  expect(parsePasswd(text).map(({ name }) => name)).toEqual(
    text
      .trim()
      .split('\n')
      .map((line) => line.split(':')[0]),
  );
});
