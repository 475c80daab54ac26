import { filesMatching } from '../../file-glob.ts';
import type { GuestFiles } from '../../guest-files.ts';
import { type NetworkInterface, withPrefix, words } from './interface.ts';

// interfaces(5) of Debian and Alpine

const MAIN_FILE = '/etc/network/interfaces';
const MAX_FILES = 1000;

export function readIfupdown(files: GuestFiles): readonly NetworkInterface[] {
  const queue = [MAIN_FILE];
  const seen = new Set(queue);
  const interfaces: NetworkInterface[] = [];
  for (const path of queue) {
    const text = files.readTextOrNote(path) ?? '';
    interfaces.push(...parseInterfaces(text, path));
    // each file once: they may source one another
    for (const sourced of sourcedPaths(files, text)) {
      if (!seen.has(sourced) && seen.size < MAX_FILES) queue.push(sourced);
      seen.add(sourced);
    }
  }
  return interfaces;
}

function sourcedPaths(files: GuestFiles, text: string): readonly string[] {
  const sources = text.matchAll(/^[ \t]*(source|source-directory)[ \t]+(\S+)/gm).take(MAX_FILES);
  return [...sources].flatMap(([, keyword, pattern = '']) => {
    const absolute = pattern.startsWith('/') ? pattern : `/etc/network/${pattern}`;
    if (keyword === 'source') return filesMatching(files, absolute);
    // run-parts names only
    return files
      .names(absolute)
      .filter((name) => /^[A-Za-z0-9_-]+$/.test(name))
      .map((name) => `${absolute}/${name}`);
  });
}

/** `iface` stanzas of one file; those of the loopback are left out. */
export function parseInterfaces(text: string, path: string): readonly NetworkInterface[] {
  const stanzas: Map<string, string>[] = [];
  for (const line of text.replaceAll('\\\n', ' ').split('\n')) {
    const [keyword = '', ...rest] = line.trim().split(/\s+/);
    if (keyword === 'iface') stanzas.push(new Map([['iface', rest.join(' ')]]));
    else if (/^(auto|allow-|mapping|source)/.test(keyword)) stanzas.push(new Map());
    else if (!keyword.startsWith('#')) stanzas.at(-1)?.set(keyword, rest.join(' '));
  }
  return stanzas.flatMap((stanza) => describe(stanza, path));
}

function describe(stanza: ReadonlyMap<string, string>, path: string): readonly NetworkInterface[] {
  const [name, , method = 'unknown'] = (stanza.get('iface') ?? '').split(' ');
  if (!name || method === 'loopback') return [];
  const address = stanza.get('address');
  return [
    {
      name,
      configured_by: 'ifupdown',
      path,
      method,
      addresses: address ? [withPrefix(address, stanza.get('netmask'))] : [],
      gateway: stanza.get('gateway') ?? null,
      dns_servers: words(stanza.get('dns-nameservers')),
      mac: stanza.get('hwaddress')?.replace(/^ether\s+/, '') ?? null,
    },
  ];
}
