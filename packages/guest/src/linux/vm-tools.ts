import { type Answer, ok } from '../collected.ts';
import type { GuestFiles } from '../guest-files.ts';

/** Tools of hypervisors and clouds that are installed in the guest. */
export interface VmTools {
  readonly detected: readonly string[];
  readonly tools: readonly { readonly name: string; readonly path: string }[];
}

const TOOLS: readonly (readonly [name: string, programs: readonly string[]])[] = [
  ['open-vm-tools', ['/usr/share/open-vm-tools', '/usr/share/doc/open-vm-tools', '/usr/lib/open-vm-tools']],
  ['vmware-tools', ['/usr/lib/vmware-tools', '/etc/vmware-tools/locations', '/usr/bin/vmware-uninstall-tools.pl']],
  ['virtualbox-guest', ['/usr/sbin/VBoxService', '/usr/bin/VBoxService', '/opt/VBoxGuestAdditions']],
  [
    'hyperv',
    ['/usr/sbin/hv_kvp_daemon', '/usr/sbin/hypervkvpd', '/usr/lib/linux-tools/hv_kvp_daemon', '/usr/bin/hv_kvp_daemon'],
  ],
  ['qemu-guest-agent', ['/usr/sbin/qemu-ga', '/usr/bin/qemu-ga']],
  ['spice-vdagent', ['/usr/sbin/spice-vdagentd', '/usr/bin/spice-vdagentd']],
  ['xe-guest-utilities', ['/usr/sbin/xe-daemon', '/usr/bin/xe-daemon']],
  ['parallels-tools', ['/usr/lib/parallels-tools', '/usr/bin/prltoolsd']],
  ['nutanix-guest-tools', ['/usr/local/nutanix/ngt']],
  ['walinuxagent', ['/usr/sbin/waagent', '/usr/bin/waagent']],
  ['google-guest-agent', ['/usr/bin/google_guest_agent']],
  ['amazon-ssm-agent', ['/usr/bin/amazon-ssm-agent', '/snap/amazon-ssm-agent']],
];

export function readVmTools(files: GuestFiles): Answer<VmTools> {
  const tools = TOOLS.flatMap(([name, programs]) => {
    const path = programs.find((candidate) => files.exists(candidate));
    return path === undefined ? [] : [{ name, path }];
  });
  return ok({ detected: tools.map(({ name }) => name), tools });
}
