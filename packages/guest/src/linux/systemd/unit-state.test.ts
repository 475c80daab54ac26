import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { valueFrom } from '../../testing/guest.ts';
import { hostFolder } from '../../testing/host-folder.ts';
import type { MemoryFiles } from '../../testing/memory-tree.ts';
import { readUnits } from '../services.ts';

const LIB = '/usr/lib/systemd/system';
const ETC = '/etc/systemd/system';
const INSTALL = '[Unit]\nDescription=D\n[Install]\nWantedBy=multi-user.target\n';

function stateOf(files: MemoryFiles, name: string): string | undefined {
  const { unit_files: units } = valueFrom({ '/usr/lib/systemd/systemd': 'x', ...files }, readUnits);
  return units.find((unit) => unit.name === name)?.state;
}

describe('readUnits', () => {
  test.each<[string, MemoryFiles, string]>([
    [
      'enabled by a .wants link',
      { [`${LIB}/a.service`]: INSTALL, [`${ETC}/multi-user.target.wants/a.service`]: { link: `${LIB}/a.service` } },
      'enabled',
    ],
    [
      'enabled by a .requires link that dangles',
      {
        [`${LIB}/a.service`]: INSTALL,
        [`${ETC}/x.target.requires/a.service`]: { link: '/lib/systemd/system/a.service' },
      },
      'enabled',
    ],
    [
      'enabled at run time',
      { [`${LIB}/a.service`]: INSTALL, '/run/systemd/system/x.target.wants/a.service': { link: `${LIB}/a.service` } },
      'enabled-runtime',
    ],
    ['disabled', { [`${LIB}/a.service`]: INSTALL }, 'disabled'],
    [
      'static, even when the vendor wants it',
      { [`${LIB}/a.service`]: '[Service]\n', [`${LIB}/x.target.wants/a.service`]: { link: '../a.service' } },
      'static',
    ],
    ['indirect', { [`${LIB}/a.service`]: '[Install]\nAlso=b.socket\n' }, 'indirect'],
    ['masked by a link', { [`${LIB}/a.service`]: INSTALL, [`${ETC}/a.service`]: { link: '/dev/null' } }, 'masked'],
    ['masked by an empty file', { [`${LIB}/a.service`]: INSTALL, [`${ETC}/a.service`]: '' }, 'masked'],
    ['an alias', { [`${LIB}/b.service`]: INSTALL, [`${LIB}/a.service`]: { link: 'b.service' } }, 'alias'],
    [
      'enabled by the alias that it names',
      {
        [`${LIB}/a.service`]: '[Install]\nAlias=dbus-a.service\n',
        [`${ETC}/dbus-a.service`]: { link: `${LIB}/a.service` },
      },
      'enabled',
    ],
    [
      'not enabled by an alias that it does not name',
      {
        [`${LIB}/a.service`]: '[Install]\nAlias=other.service\n',
        [`${ETC}/dbus-a.service`]: { link: `${LIB}/a.service` },
      },
      'disabled',
    ],
    [
      'linked from elsewhere',
      { '/opt/a.service': '[Service]\n', [`${ETC}/a.service`]: { link: '/opt/a.service' } },
      'linked',
    ],
    [
      'overridden by the administrator',
      { [`${LIB}/a.service`]: INSTALL, [`${ETC}/a.service`]: '[Service]\n' },
      'static',
    ],
  ])('finds a unit that is %s', (_, files, state) => {
    expect(stateOf(files, 'a.service')).toBe(state);
  });

  test('names the instances of a template that are wanted', () => {
    const files: MemoryFiles = {
      '/usr/lib/systemd/systemd': 'x',
      [`${LIB}/getty@.service`]: '[Install]\nWantedBy=getty.target\nDefaultInstance=tty1\n',
      [`${ETC}/getty.target.wants/getty@tty1.service`]: { link: `${LIB}/getty@.service` },
      [`${ETC}/getty.target.wants/getty@tty2.service`]: { link: `${LIB}/getty@.service` },
    };
    const units = valueFrom(files, readUnits);
    expect(units.enabled_units).toEqual(['getty@tty1.service', 'getty@tty2.service']);
    expect(units.unit_files).toMatchObject([{ name: 'getty@.service', state: 'enabled' }]);
  });

  test('passes over drop-ins and what is no unit', () => {
    const files = {
      '/usr/lib/systemd/systemd': 'x',
      [`${LIB}/a.service`]: INSTALL,
      [`${LIB}/a.service.d/x.conf`]: '',
      [`${LIB}/README`]: '',
    };
    expect(valueFrom(files, readUnits).units).toEqual(['a.service']);
  });

  test('counts a unit once where /lib is /usr/lib', () => {
    const files: MemoryFiles = {
      '/usr/lib/systemd/systemd': 'x',
      '/lib': { link: 'usr/lib' },
      [`${LIB}/a.service`]: INSTALL,
    };
    expect(valueFrom(files, readUnits).units).toEqual(['a.service']);
  });

  const hasSystemctl = existsSync('/usr/bin/systemctl') && existsSync(LIB);
  test.skipIf(!hasSystemctl)('agrees with systemctl about the units of this machine', () => {
    const host = hostFolder(['/etc/systemd/system', LIB]);
    const told = execFileSync(
      'systemctl',
      [`--root=${host.path}`, 'list-unit-files', '--no-legend', '--no-pager', '--plain', '--full'],
      { encoding: 'utf8' },
    );
    const expected = told
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/).slice(0, 2).join(' '));
    const units = valueFrom({ ...host.files, '/usr/lib/systemd/systemd': 'x' }, readUnits);
    expect(units.unit_files.map(({ name, state }) => `${name} ${state}`).sort()).toEqual(expected.sort());
  });
});
