import { expect, test } from 'vitest';
import { collectFrom, valueFrom } from '../testing/guest.ts';
import { readHostname } from './hostname.ts';
import { readLocale } from './locale.ts';
import { readMachineId } from './machine-id.ts';

test.each([
  ['/etc/hostname', { '/etc/hostname': '# comment\n\nweb01.example.org\n' }],
  ['/etc/HOSTNAME', { '/etc/HOSTNAME': 'web01.example.org\n' }],
  ['/etc/sysconfig/network', { '/etc/sysconfig/network': 'NETWORKING=yes\nHOSTNAME="web01.example.org"\n' }],
  ['/etc/conf.d/hostname', { '/etc/conf.d/hostname': 'hostname="web01.example.org"\n' }],
  ['/etc/hostname before others', { '/etc/hostname': 'web01.example.org', '/etc/sysconfig/network': 'HOSTNAME=other' }],
  [
    'an empty /etc/hostname passed over',
    { '/etc/hostname': '\n', '/etc/sysconfig/network': 'HOSTNAME=web01.example.org' },
  ],
])('readHostname reads %s', (_, files) => {
  expect(valueFrom(files, readHostname)).toBe('web01.example.org');
});

test('readHostname answers absent when no file sets a name', () => {
  expect(collectFrom({ '/etc/hostname': '#\n' }, readHostname).status).toBe('absent');
});

test.each([
  ['reads it', { '/etc/machine-id': 'B08DFA6083E7567A1921A715000001FB\n' }, 'b08dfa6083e7567a1921a715000001fb'],
  [
    'falls back to that of D-Bus',
    { '/etc/machine-id': '', '/var/lib/dbus/machine-id': 'b08dfa6083e7567a1921a715000001fb' },
    'b08dfa6083e7567a1921a715000001fb',
  ],
])('readMachineId %s', (_, files, id) => {
  expect(valueFrom(files, readMachineId)).toBe(id);
});

test.each(['', 'uninitialized\n', 'b08d', `${'0'.repeat(31)}g`])('readMachineId takes %j for no id', (text) => {
  expect(collectFrom({ '/etc/machine-id': text }, readMachineId).status).toBe('absent');
});

test('readLocale reads the time zone from the link, else from the note of Debian', () => {
  expect(
    valueFrom({ '/etc/localtime': { link: '../usr/share/zoneinfo/Europe/Berlin' }, '/etc/timezone': 'UTC' }, readLocale)
      .timezone,
  ).toBe('Europe/Berlin');
  expect(
    valueFrom({ '/etc/timezone': 'Asia/Tokyo\n', '/etc/default/locale': 'LANG="de_DE.UTF-8"' }, readLocale),
  ).toEqual({ timezone: 'Asia/Tokyo', lang: 'de_DE.UTF-8', keymap: null });
});
