import { describe, expect, test } from 'vitest';
import { collectFrom, valueFrom } from '../testing/guest.ts';
import { directives, readSshServer } from './ssh.ts';

const MAIN = '/etc/ssh/sshd_config';

describe('readSshServer', () => {
  test('states the defaults of OpenSSH where nothing is set', () => {
    expect(valueFrom({ [MAIN]: '#PermitRootLogin yes\n' }, readSshServer)).toEqual({
      permit_root_login: 'prohibit-password',
      password_auth: 'yes',
      pubkey_auth: 'yes',
      permit_empty_passwords: 'no',
      x11_forwarding: 'no',
      ports: [22],
      set_by: { permit_root_login: 'default', password_auth: 'default' },
    });
  });

  test('takes the first value of a keyword, in any case', () => {
    const text = 'permitrootlogin no\nPermitRootLogin yes\nPASSWORDAUTHENTICATION=no\nPort 22\nPort 2222\n';
    expect(valueFrom({ [MAIN]: text }, readSshServer)).toMatchObject({
      permit_root_login: 'no',
      password_auth: 'no',
      ports: [22, 2222],
    });
  });

  test('names without-password as it is named now', () => {
    expect(valueFrom({ [MAIN]: 'PermitRootLogin without-password' }, readSshServer).permit_root_login).toBe(
      'prohibit-password',
    );
  });

  test('reads an Include in its place, its files in order', () => {
    const files = {
      [MAIN]: 'Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin no\nPasswordAuthentication no\n',
      '/etc/ssh/sshd_config.d/50-cloud.conf': 'PasswordAuthentication yes\n',
      '/etc/ssh/sshd_config.d/60-late.conf': 'PasswordAuthentication no\n',
      '/etc/ssh/sshd_config.d/ignored': 'PermitRootLogin yes\n',
    };
    expect(valueFrom(files, readSshServer)).toMatchObject({
      permit_root_login: 'no',
      password_auth: 'yes',
      set_by: { permit_root_login: MAIN, password_auth: '/etc/ssh/sshd_config.d/50-cloud.conf' },
    });
  });

  test('resolves a relative Include below /etc/ssh', () => {
    const files = { [MAIN]: 'Include extra.conf\n', '/etc/ssh/extra.conf': 'PermitRootLogin no\n' };
    expect(valueFrom(files, readSshServer).permit_root_login).toBe('no');
  });

  test('leaves out what a Match block sets, to the end of its file only', () => {
    const files = {
      [MAIN]: 'Include /etc/ssh/a.conf\nPasswordAuthentication no\nMatch User x\nPermitRootLogin yes\n',
      '/etc/ssh/a.conf': 'Match Group y\nPasswordAuthentication yes\n',
    };
    expect(valueFrom(files, readSshServer)).toMatchObject({
      permit_root_login: 'prohibit-password',
      password_auth: 'no',
    });
  });

  test('stops at files that include themselves', () => {
    const files = { [MAIN]: 'Include /etc/ssh/sshd_config\nInclude /etc/ssh/*\nPermitRootLogin no\n' };
    expect(valueFrom(files, readSshServer).permit_root_login).toBe('no');
  });

  test('answers absent without a configuration', () => {
    expect(collectFrom({}, readSshServer).status).toBe('absent');
  });
});

test.each([
  ['Port 22', 'port', '22'],
  ['  Port = 22  ', 'port', '22'],
  ['Port="22" # why', 'port', '22'],
  ['Subsystem sftp /usr/lib/sftp-server', 'subsystem', 'sftp /usr/lib/sftp-server'],
])('directives reads %j', (line, keyword, value) => {
  expect([...directives(line)]).toEqual([{ keyword, value }]);
});

test('directives reads a line of a million blanks', () => {
  expect([...directives(`Port 22${' '.repeat(1_000_000)}x`)]).toHaveLength(1);
});
