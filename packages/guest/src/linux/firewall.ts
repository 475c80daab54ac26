import { type Collected, type Collector, ok } from '../collected.ts';
import type { GuestFiles } from '../guest-files.ts';
import { type Services, startsAtBoot } from './services.ts';
import { parseShellAssignments } from './shell-assignments.ts';

/** Which firewalls the guest sets up at boot. */
export interface Firewall {
  readonly ufw: { readonly present: boolean; readonly enabled: boolean };
  /** Its service is enabled. */
  readonly firewalld: boolean;
  /** Saved rules are loaded: a rules file exists. */
  readonly iptables: boolean;
  /** Its service is enabled. */
  readonly nftables: boolean;
}

const IPTABLES_RULES = [
  '/etc/iptables/rules.v4',
  '/etc/iptables/rules-save',
  '/etc/iptables/iptables.rules',
  '/etc/sysconfig/iptables',
];

export function firewallOf(services: Collected<Services>): Collector<Firewall> {
  return (files) =>
    ok({
      ufw: readUfw(files),
      firewalld: startsAtBoot(services, 'firewalld'),
      iptables: IPTABLES_RULES.some((path) => files.exists(path)),
      nftables: startsAtBoot(services, 'nftables'),
    });
}

function readUfw(files: GuestFiles): Firewall['ufw'] {
  const configuration = files.readText('/etc/ufw/ufw.conf');
  const enabled =
    parseShellAssignments(configuration ?? '')
      .get('ENABLED')
      ?.toLowerCase() === 'yes';
  return { present: configuration !== undefined, enabled };
}
