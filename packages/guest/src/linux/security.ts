import { type Collected, type Collector, ok } from '../collected.ts';
import type { GuestFiles } from '../guest-files.ts';
import { type Services, startsAtBoot } from './services.ts';
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

export function securityOf(services: Collected<Services>): Collector<Security> {
  return (files) =>
    ok({
      selinux: readSelinux(files),
      apparmor: { enabled: startsAtBoot(services, 'apparmor'), profiles: countProfiles(files) },
    });
}

function readSelinux(files: GuestFiles): Security['selinux'] {
  const settings = parseShellAssignments(files.readText('/etc/selinux/config') ?? '');
  const status = settings.get('SELINUX')?.toLowerCase() || 'absent';
  const enabled = status === 'enforcing' || status === 'permissive';
  return { status, enabled, policy: settings.get('SELINUXTYPE') || null };
}

/** Profiles are files; folders beside them hold what they include. */
function countProfiles(files: GuestFiles): number {
  const folder = '/etc/apparmor.d';
  return files.entries(folder).filter((entry) => entry.node().stat.type === 'file').length;
}
