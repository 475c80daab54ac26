import { BlockList, isIP, isIPv6 } from 'node:net';
import { type Reach, reachOf } from './reach.ts';

/** A server, or several, that images may be read from. Plain data: it crosses to threads. */
export interface HostRule {
  /** Without TLS too. */
  readonly plain: boolean;
  /** `*`, a name, `*.` and a name, or an address with the length of its prefix. */
  readonly host: string;
  /** Absent for the one that is usual for the scheme. */
  readonly port?: number | 'any';
  /** How near to us its addresses may lie. */
  readonly opens: 'public' | 'private' | 'any';
}

/** What a person may reach by a command of their own: everything but where clouds keep the credentials of a machine. */
export const PERSONAL_HOSTS: readonly HostRule[] = [{ plain: true, host: '*', port: 'any', opens: 'private' }];

const RULE = /^(?<plain>http:\/\/)?(?<host>\[[0-9a-f:.]+\](?:\/\d+)?|[^\s:[\]]+?)(?::(?<port>\d{1,5}))?$/i;
const NAME = /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?$/i;

/**
 * Reads `[http://]HOST[:PORT]`, where HOST is `*` for any public server, a name, `*.NAME`, an address or a network (`10.0.0.0/8`, `[fd00::]/8`).
 * A name may lead to private addresses; what no image comes from must be named by its address.
 * @throws RangeError
 */
export function parseHostRule(text: string): HostRule {
  const { plain, host = '', port } = RULE.exec(text)?.groups ?? {};
  const shared = { plain: plain !== undefined, ...(port !== undefined && { port: Number(port) }) };
  if (Number(port ?? 1) > 65_535) throw new RangeError(`must be [http://]HOST[:PORT], got "${text}"`);
  if (host === '*') return { ...shared, host, opens: 'public' };
  const network = networkOf(host);
  if (network !== undefined) return { ...shared, host: network, opens: 'any' };
  // what looks like an address and is none would be a name that nobody meant
  if (NAME.test(host) && !/^[\d.]+$/.test(host)) return { ...shared, host: host.toLowerCase(), opens: 'private' };
  throw new RangeError(`must be [http://]HOST[:PORT], got "${text}"`);
}

function networkOf(host: string): string | undefined {
  const [address = '', prefix, ...more] = host.replaceAll(/[[\]]/g, '').split('/');
  const bits = isIP(address) === 4 ? 32 : 128;
  const length = Number(prefix ?? bits);
  const isNetwork = isIP(address) !== 0 && more.length === 0 && /^\d*$/.test(prefix ?? '0') && length <= bits;
  return isNetwork ? `${address}/${length}` : undefined;
}

/** Whether a rule may admit a server of that name, as far as can be said before it is resolved. */
export function mayAdmit(rule: HostRule, url: URL): boolean {
  return fitsScheme(rule, url) && fitsPort(rule, url) && (isNetwork(rule) || fitsName(rule, url));
}

/** Whether a rule admits a server at one of its addresses. */
export function admits(rule: HostRule, url: URL, address: string): boolean {
  if (!mayAdmit(rule, url)) return false;
  return isNetwork(rule) ? contains(rule.host, address) : REACHED[rule.opens].includes(reachOf(address));
}

const REACHED: Readonly<Record<HostRule['opens'], readonly Reach[]>> = {
  public: ['public'],
  private: ['public', 'private'],
  any: ['public', 'private', 'never'],
};

function fitsScheme({ plain }: HostRule, { protocol }: URL): boolean {
  return protocol === 'https:' || (plain && protocol === 'http:');
}

/** The port of a URL is empty where it is the usual one. */
function fitsPort({ port }: HostRule, url: URL): boolean {
  const usual = url.protocol === 'https:' ? '443' : '80';
  return port === 'any' || String(port ?? usual) === (url.port === '' ? usual : url.port);
}

function fitsName({ host }: HostRule, url: URL): boolean {
  const name = hostNameOf(url);
  return host === '*' || name === host || (host.startsWith('*.') && name.endsWith(host.slice(1)));
}

function isNetwork({ host }: HostRule): boolean {
  return host.includes('/');
}

function contains(network: string, address: string): boolean {
  const [start = '', prefix] = network.split('/');
  const list = new BlockList();
  list.addSubnet(start, Number(prefix), familyOf(start));
  return list.check(address, familyOf(address));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}

/** As it is resolved and compared: without the brackets of an IPv6 address and the dot of a full name. */
export function hostNameOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}
