import type { GuestFiles } from '../../guest-files.ts';
import { parseShellAssignments } from '../shell-assignments.ts';
import { type NetworkInterface, withPrefix } from './interface.ts';

// Red Hat's and SUSE's files of shell variables, one for each interface
const FOLDERS = ['/etc/sysconfig/network-scripts', '/etc/sysconfig/network'] as const;
const NOT_CONFIGURATION = /(~|\.bak|\.orig|\.rpm(save|new|orig)|\.template)$/;

export function readIfcfg(files: GuestFiles): readonly NetworkInterface[] {
  return FOLDERS.flatMap((folder) =>
    files
      .names(folder)
      .filter((name) => name.startsWith('ifcfg-') && name !== 'ifcfg-lo' && !NOT_CONFIGURATION.test(name))
      .flatMap((name) => {
        const path = `${folder}/${name}`;
        const text = files.readTextOrNote(path);
        return text === undefined ? [] : [parseIfcfg(text, path)];
      }),
  );
}

export function parseIfcfg(text: string, path: string): NetworkInterface {
  const variables = parseShellAssignments(text);
  const protocol = (variables.get('BOOTPROTO') ?? 'none').toLowerCase();
  return {
    name: variables.get('DEVICE') || path.slice(path.lastIndexOf('ifcfg-') + 'ifcfg-'.length),
    configured_by: 'ifcfg',
    path,
    method: protocol === 'none' && hasAddress(variables) ? 'static' : protocol,
    addresses: addressesOf(variables),
    gateway: variables.get('GATEWAY') || null,
    dns_servers: ['DNS1', 'DNS2', 'DNS3'].flatMap((name) => variables.get(name) || []),
    mac: variables.get('HWADDR') || variables.get('MACADDR') || null,
  };
}

function hasAddress(variables: ReadonlyMap<string, string>): boolean {
  return addressesOf(variables).length > 0;
}

/** `IPADDR`, `IPADDR0`, `IPADDR1` … each with its PREFIX or NETMASK. */
function addressesOf(variables: ReadonlyMap<string, string>): readonly string[] {
  return [...variables].flatMap(([name, address]) => {
    const suffix = /^IPADDR(\d*)$/.exec(name)?.[1];
    if (suffix === undefined || address === '') return [];
    return [withPrefix(address, variables.get(`PREFIX${suffix}`) ?? variables.get(`NETMASK${suffix}`))];
  });
}
