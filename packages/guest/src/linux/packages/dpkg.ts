import { type InstalledPackage, MAX_PACKAGES } from './package.ts';

// The status file of dpkg (deb-control(5) stanzas): read line by line without splitting, since it may be tens of megabytes.

type Field =
  | 'Package'
  | 'Status'
  | 'Version'
  | 'Architecture'
  | 'Source'
  | 'Section'
  | 'Maintainer'
  | 'Installed-Size'
  | 'Essential';

// dpkg writes the usual spelling, but reads any
const FIELDS = new Map<string, Field>(
  (
    [
      'Package',
      'Status',
      'Version',
      'Architecture',
      'Source',
      'Section',
      'Maintainer',
      'Installed-Size',
      'Essential',
    ] as const
  ).map((field) => [field.toLowerCase(), field]),
);
const LONGEST_FIELD = 'Installed-Size'.length;

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const TAB = 9;

type Stanza = Partial<Record<Field, string>>;

/** Every package that the text knows, in its order, whatever its status; at most `MAX_PACKAGES`. */
export function parseDpkgStatus(text: string): InstalledPackage[] {
  const packages: InstalledPackage[] = [];
  let stanza: Stanza = {};
  const finish = () => {
    const described = describe(stanza);
    if (described) packages.push(described);
    stanza = {};
  };

  for (let start = 0; start < text.length && packages.length < MAX_PACKAGES; ) {
    const first = text.charCodeAt(start);
    let end = text.indexOf('\n', start);
    if (end < 0) end = text.length;
    // an empty line ends a stanza; a line that starts with a blank continues a field we do not need
    if (first === NEWLINE || first === CARRIAGE_RETURN) finish();
    else if (first !== SPACE && first !== TAB) readField(text, start, end, stanza);
    start = end + 1;
  }
  finish();
  return packages;
}

/** dpkg takes these as present on the system; `config-files` and half states are not. */
export function isInstalled(dpkgPackage: InstalledPackage): boolean {
  return ['installed', 'triggers-awaited', 'triggers-pending'].includes(dpkgPackage.status);
}

function readField(text: string, start: number, end: number, stanza: Stanza): void {
  // looked for no further than a field may reach: a search to the end of the file, line by line, would take for ever
  const length = text.slice(start, Math.min(end, start + LONGEST_FIELD + 1)).indexOf(':');
  if (length < 0) return;
  const field = FIELDS.get(text.slice(start, start + length).toLowerCase());
  if (field) stanza[field] = text.slice(start + length + 1, end).trim();
}

function describe(stanza: Stanza): InstalledPackage | undefined {
  if (!stanza.Package) return undefined;
  return {
    name: stanza.Package,
    version: stanza.Version ?? '',
    architecture: stanza.Architecture ?? null,
    // `Source: bash (5.2-1)` says the source's version where it differs
    source: stanza.Source?.split(' ', 1)[0] ?? stanza.Package,
    section: stanza.Section ?? null,
    maintainer: stanza.Maintainer ?? null,
    installed_size_bytes: sizeOf(stanza['Installed-Size']),
    essential: stanza.Essential === 'yes',
    status: statusOf(stanza.Status),
  };
}

/** Installed-Size counts KiB. */
function sizeOf(field = ''): number | null {
  return /^\d{1,12}$/.test(field) ? Number(field) * 1024 : null;
}

/** The third word of `install ok installed`; distroless images have no Status, all they list is installed. */
function statusOf(field: string | undefined): string {
  return field === undefined ? 'installed' : (field.split(/\s+/)[2] ?? 'not-installed');
}
