import { type Answer, ok } from '../collected.ts';
import type { GuestFiles } from '../guest-files.ts';

export interface CloudInit {
  readonly present: boolean;
  /** It would run at the next boot, as far as files can tell. */
  readonly enabled: boolean;
  /** The flag file or masked unit that keeps it from running. */
  readonly disabled_by: string | null;
  /** Data sources it is told to try; empty when it detects them. */
  readonly datasources: readonly string[];
}

const PROGRAMS = ['/usr/bin/cloud-init', '/usr/local/bin/cloud-init', '/bin/cloud-init'] as const;
const CONFIGURATION = '/etc/cloud/cloud.cfg';
const DROP_INS = '/etc/cloud/cloud.cfg.d';
const DISABLED_FLAG = '/etc/cloud/cloud-init.disabled';
const UNITS = ['cloud-init.target', 'cloud-init.service', 'cloud-init-main.service'] as const;

export function readCloudInit(files: GuestFiles): Answer<CloudInit> {
  const present = PROGRAMS.some((path) => files.exists(path));
  if (!present) return ok({ present, enabled: false, disabled_by: null, datasources: [] });
  const disabledBy = disabledFlag(files);
  return ok({ present, enabled: disabledBy === null, disabled_by: disabledBy, datasources: datasourcesOf(files) });
}

function disabledFlag(files: GuestFiles): string | null {
  if (files.exists(DISABLED_FLAG)) return DISABLED_FLAG;
  const units = UNITS.map((unit) => `/etc/systemd/system/${unit}`);
  return units.find((path) => files.readlink(path) === '/dev/null') ?? null;
}

/** `datasource_list: [ NoCloud, None ]` on one line, as cloud-init and distributions write it; the last file wins. */
function datasourcesOf(files: GuestFiles): readonly string[] {
  const dropIns = files.names(DROP_INS).filter((name) => name.endsWith('.cfg'));
  const texts = [CONFIGURATION, ...dropIns.map((name) => `${DROP_INS}/${name}`)].map(
    (path) => files.readTextOrNote(path) ?? '',
  );
  const lists = texts.flatMap((text) => /^datasource_list:[ \t]*\[([^\]\n]*)\]/m.exec(text)?.[1] ?? []);
  return (lists.at(-1) ?? '')
    .split(',')
    .map((name) => name.trim().replaceAll(/["']/g, ''))
    .filter((name) => name !== '');
}
