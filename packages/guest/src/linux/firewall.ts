import { type Answer, ok } from '../collected.ts';
import type { GuestFiles } from '../guest-files.ts';
import { startsAtBoot } from './enabled-unit.ts';
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

export function readFirewall(files: GuestFiles): Answer<Firewall> {
  const ufw = files.readText('/etc/ufw/ufw.conf');
  return ok({
    ufw: {
      present: ufw !== undefined,
      enabled:
        parseShellAssignments(ufw ?? '')
          .get('ENABLED')
          ?.toLowerCase() === 'yes',
    },
    firewalld: startsAtBoot(files, 'firewalld'),
    iptables: IPTABLES_RULES.some((path) => files.exists(path)),
    nftables: startsAtBoot(files, 'nftables'),
  });
}
