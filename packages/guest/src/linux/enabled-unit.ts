import type { GuestFiles } from '../guest-files.ts';

const CONFIG_FOLDER = '/etc/systemd/system';
const OPENRC_RUNLEVELS = ['boot', 'default', 'sysinit'] as const;
const SYSV_RUNLEVELS = ['S', '2', '3', '4', '5'] as const;

/** Whether the guest starts a service at boot, by systemd, OpenRC or rc links. A cheap look for one, where services.ts reads all. */
export function startsAtBoot(files: GuestFiles, service: string): boolean {
  const unit = `${service}.service`;
  if (files.readlink(`${CONFIG_FOLDER}/${unit}`) === '/dev/null') return false;
  return isWanted(files, unit) || inRunlevel(files, service) || inRcFolder(files, service);
}

function isWanted(files: GuestFiles, unit: string): boolean {
  return files
    .names(CONFIG_FOLDER)
    .filter((name) => name.endsWith('.wants') || name.endsWith('.requires'))
    .some((name) => files.readlink(`${CONFIG_FOLDER}/${name}/${unit}`) !== undefined);
}

function inRunlevel(files: GuestFiles, service: string): boolean {
  return OPENRC_RUNLEVELS.some((runlevel) => files.readlink(`/etc/runlevels/${runlevel}/${service}`) !== undefined);
}

function inRcFolder(files: GuestFiles, service: string): boolean {
  return SYSV_RUNLEVELS.some((runlevel) =>
    files.names(`/etc/rc${runlevel}.d`).some((name) => /^S\d\d/.test(name) && name.slice(3) === service),
  );
}
