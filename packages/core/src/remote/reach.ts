import { BlockList, isIPv4 } from 'node:net';

/**
 * How far an address lies from the public. *private*: this host or a network of its owner. *never*: addresses that serve no images, and
 * those where clouds give a machine its credentials.
 */
export type Reach = 'public' | 'private' | 'never';

const NEVER_IPV4 = blockList('ipv4', [
  '0.0.0.0/8',
  '169.254.0.0/16',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  // metadata and agents of Alibaba and Azure
  '100.100.100.200/32',
  '168.63.129.16/32',
]);

const PRIVATE_IPV4 = blockList('ipv4', [
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '198.18.0.0/15',
]);

const NEVER_IPV6 = blockList('ipv6', [
  // Teredo and documentation
  '2001::/32',
  '2001:db8::/32',
  // metadata of Amazon and Google
  'fd00:ec2::/32',
  'fd20:ce::/32',
]);

const PRIVATE_IPV6 = blockList('ipv6', ['::1/128', 'fc00::/7']);
const PUBLIC_IPV6 = blockList('ipv6', ['2000::/3']);

/** @param address as the resolver writes it */
export function reachOf(address: string): Reach {
  if (isIPv4(address)) return pick(address, 'ipv4', [NEVER_IPV4, PRIVATE_IPV4], 'public');
  const within = embeddedIpv4(address);
  if (within !== undefined) return reachOf(within);
  const known = pick(address, 'ipv6', [NEVER_IPV6, PRIVATE_IPV6], 'public');
  return known === 'public' && !PUBLIC_IPV6.check(address, 'ipv6') ? 'never' : known;
}

function pick(
  address: string,
  family: 'ipv4' | 'ipv6',
  [never, hidden]: readonly [BlockList, BlockList],
  otherwise: Reach,
): Reach {
  if (never.check(address, family)) return 'never';
  return hidden.check(address, family) ? 'private' : otherwise;
}

/** The IPv4 address that an IPv6 address stands for: mapped, by NAT64, or by 6to4. */
function embeddedIpv4(address: string): string | undefined {
  const groups = groupsOf(address);
  const starts = (...start: number[]) => start.every((group, place) => groups[place] === group);
  if (starts(0, 0, 0, 0, 0, 0xffff) || starts(0x64, 0xff9b, 0, 0, 0, 0)) return dotted(groups[6], groups[7]);
  return starts(0x2002) ? dotted(groups[1], groups[2]) : undefined;
}

function groupsOf(address: string): readonly number[] {
  // a URL writes it without dots and with one "::" at most
  const [zoneless = ''] = address.split('%');
  const [head = '', tail] = new URL(`http://[${zoneless}]/`).hostname.slice(1, -1).split('::');
  const [first, last] = [head, tail ?? ''].map((part) => part.split(':').filter((group) => group !== ''));
  const known = [...(first ?? []), ...(last ?? [])].length;
  const zeros = tail === undefined ? [] : Array<string>(8 - known).fill('0');
  return [...(first ?? []), ...zeros, ...(last ?? [])].map((group) => Number.parseInt(group, 16));
}

function dotted(high = 0, low = 0): string {
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
}

function blockList(family: 'ipv4' | 'ipv6', ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = '', prefix] = range.split('/');
    list.addSubnet(network, Number(prefix), family);
  }
  return list;
}
