import { expect, test } from 'vitest';
import { parseUnitFile } from './unit-file.ts';
import { isUnitName, templateOf } from './unit-name.ts';

test('parseUnitFile reads the description and what [Install] says', () => {
  const text = `# comment
[Unit]
Description=Some \\
; a comment inside
 Service
[Service]
Description=not this one
WantedBy=nor=this
[Install]
WantedBy=multi-user.target graphical.target
Alias=a.service
Alias=b.service
Also=c.socket
DefaultInstance=one
`;
  expect(parseUnitFile(text)).toEqual({
    description: 'Some  Service',
    installable: true,
    enablesOthers: true,
    aliases: ['a.service', 'b.service'],
    defaultInstance: 'one',
  });
});

test.each([
  ['WantedBy=a.target', true],
  ['RequiredBy=a.target', true],
  ['UpheldBy=a.service', true],
  ['Alias=x.service', true],
  ['Also=x.socket', false],
  ['WantedBy=a.target\nWantedBy=', false],
  ['', false],
])('a unit with %j in [Install] can be enabled: %s', (install, installable) => {
  expect(parseUnitFile(`[Install]\n${install}\n`).installable).toBe(installable);
});

test('parseUnitFile reads a hundred thousand assignments', () => {
  expect(parseUnitFile(`[Install]\n${'Alias=a.service\n'.repeat(100_000)}`).aliases).toHaveLength(100_000);
});

test.each([
  ['ssh.service', true],
  ['getty@tty1.service', true],
  ['getty@.service', true],
  ['systemd-fsck@dev-disk-by\\x2duuid-1.service', true],
  ['-.mount', true],
  ['ssh.service.d', false],
  ['ssh.conf', false],
  ['.service', false],
  [`${'a'.repeat(256)}.service`, false],
  ['a b.service', false],
])('isUnitName(%j) is %s', (name, expected) => {
  expect(isUnitName(name)).toBe(expected);
});

test.each([
  ['getty@tty1.service', 'getty@.service'],
  ['getty@.service', undefined],
  ['ssh.service', undefined],
])('templateOf(%j) is %s', (name, template) => {
  expect(templateOf(name)).toBe(template);
});
