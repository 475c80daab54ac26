/** An interface as one of the guest's network configurations describes it. Keys and passwords are never taken over. */
export interface NetworkInterface {
  /** Device name, or the pattern that matches it. */
  readonly name: string;
  readonly configured_by: 'ifupdown' | 'ifcfg' | 'networkmanager' | 'networkd';
  readonly path: string;
  /** `dhcp`, `static`, or as the configuration words it. */
  readonly method: string;
  /** With prefix length where the configuration gives one. */
  readonly addresses: readonly string[];
  readonly gateway: string | null;
  readonly dns_servers: readonly string[];
  readonly mac: string | null;
}

/** `255.255.255.0` → 24; `undefined` for what is no netmask. */
export function prefixOf(netmask: string): number | undefined {
  if (/^\d{1,3}$/.test(netmask)) return Number(netmask);
  const bytes = netmask.split('.').map(Number);
  if (bytes.length !== 4 || bytes.some((byte) => !(byte >= 0 && byte <= 255))) return undefined;
  const bits = bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return /^1*0*$/.test(bits) ? bits.replaceAll('0', '').length : undefined;
}

export function withPrefix(address: string, netmask: string | undefined): string {
  const prefix = netmask === undefined || address.includes('/') ? undefined : prefixOf(netmask);
  return prefix === undefined ? address : `${address}/${prefix}`;
}

export function words(text = ''): readonly string[] {
  return text.split(/[\s,;]+/).filter((word) => word !== '');
}
