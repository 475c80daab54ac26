import { type Answer, ok, type Shortfall } from '../../collected.ts';
import type { GuestFiles } from '../../guest-files.ts';
import { parseShellAssignments } from '../shell-assignments.ts';
import { readIfcfg } from './ifcfg.ts';
import { readIfupdown } from './ifupdown.ts';
import type { NetworkInterface } from './interface.ts';
import { readNetworkd } from './networkd.ts';
import { readNetworkManager } from './networkmanager.ts';

export interface Network {
  readonly interfaces: readonly NetworkInterface[];
  /** Of resolv.conf, else of the interfaces. */
  readonly dns_servers: readonly string[];
  readonly search_domains: readonly string[];
  readonly gateway: string | null;
}

const NETPLAN_FOLDERS = ['/etc/netplan', '/usr/lib/netplan', '/lib/netplan'] as const;

export function readNetwork(files: GuestFiles): Answer<Network> {
  const interfaces = [
    ...readIfupdown(files),
    ...readIfcfg(files),
    ...readNetworkManager(files),
    ...readNetworkd(files),
  ];
  const resolver = parseResolvConf(files.readText('/etc/resolv.conf') ?? '');
  const network = {
    interfaces,
    dns_servers:
      resolver.nameservers.length > 0 ? resolver.nameservers : unique(interfaces.flatMap((one) => one.dns_servers)),
    search_domains: resolver.search,
    gateway: interfaces.find(({ gateway }) => gateway !== null)?.gateway ?? globalGateway(files),
  };
  const netplan = netplanFile(files);
  if (netplan !== undefined)
    return short('unsupported', `Cannot read '${netplan}': netplan is not supported yet`, network);
  const configured = interfaces.length > 0 || network.dns_servers.length > 0;
  return configured ? ok(network) : short('absent', 'No file configures an interface or a name server', network);
}

function short(status: Shortfall, reason: string, value: Network): Answer<Network> {
  return { status, reason, value };
}

/** resolv.conf(5). */
export function parseResolvConf(text: string): {
  readonly nameservers: readonly string[];
  readonly search: readonly string[];
} {
  const lines = text.split('\n').map((line) => line.trim().split(/\s+/));
  return {
    nameservers: lines.flatMap(([keyword, address]) => (keyword === 'nameserver' && address ? [address] : [])),
    search: lines.findLast(([keyword]) => keyword === 'search' || keyword === 'domain')?.slice(1) ?? [],
  };
}

function globalGateway(files: GuestFiles): string | null {
  return parseShellAssignments(files.readText('/etc/sysconfig/network') ?? '').get('GATEWAY') || null;
}

function netplanFile(files: GuestFiles): string | undefined {
  return NETPLAN_FOLDERS.flatMap((folder) =>
    files
      .names(folder)
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => `${folder}/${name}`),
  )[0];
}

function unique(addresses: readonly string[]): readonly string[] {
  return [...new Set(addresses)];
}
