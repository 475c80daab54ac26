import { type Answer, absent, type Collected, type Collector, ok } from '../collected.ts';
import type { GuestFiles } from '../guest-files.ts';
import { readSystemdUnits, type SystemdUnits } from './systemd/unit-state.ts';

/** Which init system starts the services. */
export type InitSystem = 'systemd' | 'openrc' | 'sysv';

export interface Services {
  readonly count: number;
  readonly init_system: InitSystem;
  /** Full unit names with systemd, script names elsewhere; sorted. */
  readonly enabled_services: readonly string[];
}

const SYSTEMD_BINARIES = ['/usr/lib/systemd/systemd', '/lib/systemd/systemd'] as const;
const SYSTEMD_FOLDERS = ['/usr/lib/systemd/system', '/lib/systemd/system'] as const;
const OPENRC_FOLDER = '/etc/runlevels';
// `shutdown` and `single` are no states that a system is started into
const OPENRC_RUNLEVELS = ['sysinit', 'boot', 'default'] as const;
const SYSV_FOLDERS = ['/etc', '/etc/rc.d'] as const;
const SYSV_RUNLEVELS = ['2', '3', '4', '5'] as const;

/** What the guest starts at boot. Takes the units of systemd from their own collector: they are many. */
export function servicesOf(units: Collected<SystemdUnits>): Collector<Services> {
  return (files) => {
    if (units.status === 'ok') {
      for (const path of units.sources) files.use(path);
      return answer('systemd', systemdServices(files, units.value));
    }
    return units.status === 'absent' ? otherServices(files) : { status: units.status, reason: units.reason };
  };
}

/** Whether a service, named without its suffix, is among those that start at boot. */
export function startsAtBoot(services: Collected<Services>, name: string): boolean {
  const enabled = services.value?.enabled_services ?? [];
  return enabled.includes(`${name}.service`) || enabled.includes(name);
}

function otherServices(files: GuestFiles): Answer<Services> {
  const openrc = openrcServices(files);
  if (openrc) return answer('openrc', openrc);
  const sysv = sysvServices(files);
  return sysv ? answer('sysv', sysv) : absent('Neither systemd, OpenRC runlevels nor rc folders');
}

function answer(initSystem: InitSystem, services: readonly string[]): Answer<Services> {
  return ok({ count: services.length, init_system: initSystem, enabled_services: services });
}

export function readUnits(files: GuestFiles): Answer<SystemdUnits> {
  return hasSystemd(files) ? ok(readSystemdUnits(files)) : absent('The guest has no systemd');
}

/** Unit files alone are no sign: packages ship them whether systemd is there or not. */
function hasSystemd(files: GuestFiles): boolean {
  return (
    SYSTEMD_BINARIES.some((path) => files.exists(path)) ||
    (SYSTEMD_FOLDERS.some((path) => files.isDirectory(path)) && !files.isDirectory(OPENRC_FOLDER) && !hasInittab(files))
  );
}

function hasInittab(files: GuestFiles): boolean {
  return files.exists('/etc/inittab');
}

function systemdServices(files: GuestFiles, { units, enabled_units: enabled }: SystemdUnits): readonly string[] {
  const native = new Set(units);
  // systemd generates a unit for a script that has none of its own
  const scripts = (sysvServices(files) ?? []).filter((name) => !native.has(`${name}.service`));
  const services = enabled.filter((name) => name.endsWith('.service'));
  return [...services, ...scripts].sort();
}

function openrcServices(files: GuestFiles): readonly string[] | undefined {
  if (!files.isDirectory(OPENRC_FOLDER)) return undefined;
  return unique(OPENRC_RUNLEVELS.flatMap((runlevel) => files.names(`${OPENRC_FOLDER}/${runlevel}`)));
}

/** Scripts that a runlevel with services starts: links such as `S20ssh`. */
function sysvServices(files: GuestFiles): readonly string[] | undefined {
  const runlevels = runlevelsOf(files);
  const folders = SYSV_FOLDERS.flatMap((base) => runlevels.map((runlevel) => `${base}/rc${runlevel}.d`));
  const existing = folders.filter((folder) => files.isDirectory(folder));
  if (existing.length === 0) return undefined;
  const links = existing.flatMap((folder) => files.names(folder));
  return unique(links.flatMap((link) => /^S\d\d(.+)$/.exec(link)?.[1] ?? []));
}

/** The default runlevel of inittab(5), else all that have services. */
function runlevelsOf(files: GuestFiles): readonly string[] {
  const inittab = files.readText('/etc/inittab') ?? '';
  const runlevel = /^[^#:\n]*:([2-5]):initdefault:/m.exec(inittab)?.[1];
  return runlevel === undefined ? SYSV_RUNLEVELS : [runlevel];
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort();
}
