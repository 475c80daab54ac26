import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchesGlob } from './glob.ts';
import { parseUidRange } from './linux/accounts/login-defs.ts';
import { parseGroup, parsePasswd, parseShadow } from './linux/accounts/passwd.ts';
import { compareVersions } from './linux/boot/version-order.ts';
import { parseFstab, specWithoutPassword } from './linux/fstab.ts';
import { parseOsRelease } from './linux/identity/os-release.ts';
import { parseVersion } from './linux/identity/version.ts';
import { parseIni } from './linux/ini.ts';
import { parseIfcfg } from './linux/network/ifcfg.ts';
import { parseInterfaces } from './linux/network/ifupdown.ts';
import { parseResolvConf } from './linux/network/network.ts';
import { parseNetworkFile } from './linux/network/networkd.ts';
import { parseKeyfile } from './linux/network/networkmanager.ts';
import { parseApkInstalled } from './linux/packages/apk.ts';
import { parseDpkgStatus } from './linux/packages/dpkg.ts';
import { parsePacmanDesc } from './linux/packages/pacman.ts';
import { parseShellAssignments } from './linux/shell-assignments.ts';
import { directives } from './linux/ssh.ts';
import { parseUnitFile } from './linux/systemd/unit-file.ts';
import { isUnitName } from './linux/systemd/unit-name.ts';
import { cleanText } from './text.ts';

// Whatever a guest's file holds: a parser ends, soon, without an error.

const PARSERS: readonly (readonly [name: string, parse: (text: string) => unknown])[] = [
  ['cleanText', cleanText],
  ['compareVersions', (text) => compareVersions(text, `${text}1`)],
  ['directives', (text) => [...directives(text)]],
  ['isUnitName', isUnitName],
  ['matchesGlob', (text) => matchesGlob(text.slice(0, 4000), text.slice(0, 255))],
  ['parseApkInstalled', parseApkInstalled],
  ['parseDpkgStatus', parseDpkgStatus],
  ['parseFstab', parseFstab],
  ['parseGroup', parseGroup],
  ['parseIfcfg', (text) => parseIfcfg(text, '/ifcfg-x')],
  ['parseIni', parseIni],
  ['parseInterfaces', (text) => parseInterfaces(text, '/interfaces')],
  ['parseKeyfile', (text) => parseKeyfile(text, '/x')],
  ['parseNetworkFile', (text) => parseNetworkFile(text, '/x')],
  ['parseOsRelease', parseOsRelease],
  ['parsePacmanDesc', parsePacmanDesc],
  ['parsePasswd', parsePasswd],
  ['parseResolvConf', parseResolvConf],
  ['parseShadow', parseShadow],
  ['parseShellAssignments', parseShellAssignments],
  ['parseUidRange', parseUidRange],
  ['parseUnitFile', parseUnitFile],
  ['parseVersion', parseVersion],
  ['specWithoutPassword', specWithoutPassword],
];

// fragments that the formats give a meaning to, so that random text gets past the first line
const fragment = fc.constantFrom(
  '\n',
  '\r',
  '\t',
  ' ',
  '\\',
  '"',
  "'",
  '#',
  ';',
  '=',
  ':',
  '[',
  ']',
  '%',
  '*',
  '@',
  '//',
  'ID=',
  'Package: ',
  'P:',
  '%NAME%',
  'iface ',
  '[Install]',
  'Match ',
  'UUID=',
  'root:x:0:0',
);
const text = fc
  .array(fc.oneof(fragment, fc.string({ unit: 'binary', maxLength: 8 })), { maxLength: 60 })
  .map((parts) => parts.join(''));

// a pattern or loop that goes back over what it has read would need minutes for these
const REPEATED = [
  ' ',
  '\t',
  'a',
  '1',
  '\\',
  '"',
  "'",
  '#',
  '=',
  ':',
  '[',
  '(',
  '%',
  '*',
  '//',
  '\n',
  ' #',
  'a=',
  'a:',
  'a =b\n',
  '[Install]\nAlias=a\n',
  '[a]\n',
  'Package: a\n\n',
  'iface a inet dhcp\n',
];
const LENGTH = 60_000;

describe.each(PARSERS)('%s', (_, parse) => {
  test('takes any text', () => {
    fc.assert(
      fc.property(text, (hostile) => void parse(hostile)),
      { numRuns: 200 },
    );
  });

  test('ends soon on long runs of anything', () => {
    const slow = REPEATED.filter((part) => {
      const started = performance.now();
      parse(part.repeat(LENGTH / part.length));
      parse(`a=${part.repeat(LENGTH / part.length)}x`);
      return performance.now() - started > 3000;
    });
    expect(slow).toEqual([]);
  });
});
