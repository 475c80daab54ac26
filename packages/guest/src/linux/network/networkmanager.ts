import type { GuestFiles } from '../../guest-files.ts';
import { iniValue, iniValues, parseIni } from '../ini.ts';
import { type NetworkInterface, words } from './interface.ts';

// nm-settings-keyfile(5). The files also hold Wi-Fi keys and VPN secrets: only the members named here are taken.

const FOLDERS = ['/etc/NetworkManager/system-connections', '/usr/lib/NetworkManager/system-connections'] as const;

export function readNetworkManager(files: GuestFiles): readonly NetworkInterface[] {
  return FOLDERS.flatMap((folder) =>
    files.names(folder).flatMap((name) => {
      const path = `${folder}/${name}`;
      const text = files.readTextOrNote(path);
      return text === undefined ? [] : [parseKeyfile(text, path)];
    }),
  );
}

const METHODS = new Map([
  ['auto', 'dhcp'],
  ['manual', 'static'],
]);

export function parseKeyfile(text: string, path: string): NetworkInterface {
  const sections = parseIni(text);
  const method = iniValue(sections, 'ipv4', 'method') ?? iniValue(sections, 'ipv6', 'method') ?? 'auto';
  const addresses = ['ipv4', 'ipv6'].flatMap((family) => numbered(family, 'address'));
  return {
    name: iniValue(sections, 'connection', 'interface-name') ?? iniValue(sections, 'connection', 'id') ?? path,
    configured_by: 'networkmanager',
    path,
    method: METHODS.get(method) ?? method,
    // `address1=192.0.2.5/24,192.0.2.1`: the gateway may stand behind the address
    addresses: addresses.map((value) => value.split(',')[0] ?? ''),
    gateway:
      iniValue(sections, 'ipv4', 'gateway') ?? addresses.flatMap((value) => value.split(',')[1] ?? [])[0] ?? null,
    dns_servers: ['ipv4', 'ipv6'].flatMap((family) => words(iniValue(sections, family, 'dns'))),
    mac: iniValue(sections, 'ethernet', 'mac-address') ?? iniValue(sections, '802-3-ethernet', 'mac-address') ?? null,
  };

  function numbered(family: string, key: string): readonly string[] {
    return Array.from({ length: 10 }, (_, n) => iniValues(sections, family, n === 0 ? key : `${key}${n}`)).flat();
  }
}
