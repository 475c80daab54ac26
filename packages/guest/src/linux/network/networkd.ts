import type { GuestFiles } from '../../guest-files.ts';
import { iniValue, iniValues, parseIni } from '../ini.ts';
import { type NetworkInterface, words } from './interface.ts';

// systemd.network(5). The files of /usr/lib are patterns that every installation carries, not this guest's configuration.
const FOLDER = '/etc/systemd/network';

export function readNetworkd(files: GuestFiles): readonly NetworkInterface[] {
  return files
    .names(FOLDER)
    .filter((name) => name.endsWith('.network'))
    .flatMap((name) => {
      const path = `${FOLDER}/${name}`;
      const text = files.readTextOrNote(path);
      return text === undefined ? [] : [parseNetworkFile(text, path)];
    });
}

export function parseNetworkFile(text: string, path: string): NetworkInterface {
  const sections = parseIni(text);
  const addresses = [...iniValues(sections, 'Network', 'Address'), ...iniValues(sections, 'Address', 'Address')];
  const dhcp = iniValue(sections, 'Network', 'DHCP')?.toLowerCase() ?? 'no';
  return {
    name: iniValue(sections, 'Match', 'Name') ?? iniValue(sections, 'Match', 'MACAddress') ?? '*',
    configured_by: 'networkd',
    path,
    method: ['yes', 'true', '1', 'on', 'ipv4', 'ipv6', 'both'].includes(dhcp)
      ? 'dhcp'
      : addresses.length > 0
        ? 'static'
        : 'none',
    addresses,
    gateway: iniValue(sections, 'Network', 'Gateway') ?? iniValue(sections, 'Route', 'Gateway') ?? null,
    dns_servers: iniValues(sections, 'Network', 'DNS').flatMap(words),
    mac: iniValue(sections, 'Match', 'MACAddress') ?? null,
  };
}
