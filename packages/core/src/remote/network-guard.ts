import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { admits, type HostRule, hostNameOf, mayAdmit } from './host-rule.ts';
import { RemoteError } from './remote-error.ts';

export type Resolve = (name: string) => Promise<readonly LookupAddress[]>;

const resolveAll: Resolve = (name) => lookup(name, { all: true });

/**
 * Decides which servers may be connected to (rule R15). A name is resolved once, all its addresses must be allowed, and whoever
 * connects does so to these addresses and no others: what the name leads to a moment later is of no matter. Spellings of an
 * address in octal, hexadecimal or as one number are of none either, as the judgement is on what they mean.
 */
export class NetworkGuard {
  readonly #rules: readonly HostRule[];
  readonly #resolve: Resolve;
  readonly #resolved = new Map<string, Promise<readonly LookupAddress[]>>();

  constructor(rules: readonly HostRule[], resolve: Resolve = resolveAll) {
    this.#rules = rules;
    this.#resolve = resolve;
  }

  /** The addresses to connect to. @throws RemoteError `denied`, or `unreachable` when the name leads nowhere */
  async admit(url: URL): Promise<readonly LookupAddress[]> {
    const rules = this.#rules.filter((rule) => mayAdmit(rule, url));
    // names that no rule could admit are not even asked for
    if (rules.length === 0) throw denied(url);
    const addresses = await this.#addressesOf(url);
    if (addresses.every(({ address }) => rules.some((rule) => admits(rule, url, address)))) return addresses;
    throw denied(url);
  }

  async #addressesOf(url: URL): Promise<readonly LookupAddress[]> {
    const name = hostNameOf(url);
    const known = this.#resolved.get(name) ?? this.#resolve(name);
    this.#resolved.set(name, known);
    try {
      return await known;
    } catch (cause) {
      this.#resolved.delete(name);
      throw new RemoteError('unreachable', `Cannot find the server "${name}"`, { cause });
    }
  }
}

function denied(url: URL): RemoteError {
  const server = `${url.protocol}//${url.host}`;
  return new RemoteError('denied', `Cannot read from "${server}": images from there are not allowed`);
}
