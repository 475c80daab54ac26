import { type Answer, ok } from '../collected.ts';
import type { GuestFiles } from '../guest-files.ts';
import { startsAtBoot } from './enabled-unit.ts';
import { parseShellAssignments } from './shell-assignments.ts';

/** Mandatory access control as the guest's files configure it. */
export interface Security {
  readonly selinux: {
    /** `enforcing`, `permissive` or `disabled` as configured; `absent` without a configuration. */
    readonly status: string;
    readonly enabled: boolean;
    readonly policy: string | null;
  };
  readonly apparmor: { readonly enabled: boolean; readonly profiles: number };
}

export function readSecurity(files: GuestFiles): Answer<Security> {
  const selinux = parseShellAssignments(files.readText('/etc/selinux/config') ?? '');
  const status = selinux.get('SELINUX')?.toLowerCase() || 'absent';
  return ok({
    selinux: {
      status,
      enabled: status === 'enforcing' || status === 'permissive',
      policy: selinux.get('SELINUXTYPE') || null,
    },
    apparmor: { enabled: startsAtBoot(files, 'apparmor'), profiles: countProfiles(files) },
  });
}

/** Profiles are files; folders beside them hold what they include. */
function countProfiles(files: GuestFiles): number {
  const folder = '/etc/apparmor.d';
  return files.names(folder).filter((name) => files.tree.findLink(`${folder}/${name}`)?.stat.type === 'file').length;
}
