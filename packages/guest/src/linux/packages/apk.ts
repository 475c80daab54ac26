import { type InstalledPackage, MAX_PACKAGES } from './package.ts';

/** Packages of apk's installed database: stanzas of one-letter fields, in front of long lists of files. */
export function parseApkInstalled(text: string): InstalledPackage[] {
  const packages: InstalledPackage[] = [];
  let fields = new Map<string, string>();
  const finish = () => {
    const described = describe(fields);
    if (described) packages.push(described);
    fields = new Map();
  };

  for (let start = 0; start < text.length && packages.length < MAX_PACKAGES; ) {
    let end = text.indexOf('\n', start);
    if (end < 0) end = text.length;
    if (end === start) finish();
    else if (text[start + 1] === ':') readField(text, start, end, fields);
    start = end + 1;
  }
  finish();
  return packages;
}

const WANTED = new Set(['P', 'V', 'A', 'o', 'm', 'I']);

function readField(text: string, start: number, end: number, fields: Map<string, string>): void {
  const letter = text[start] ?? '';
  // the fields of a package stand before those of its files
  if (WANTED.has(letter) && !fields.has(letter)) fields.set(letter, text.slice(start + 2, end).trim());
}

function describe(fields: ReadonlyMap<string, string>): InstalledPackage | undefined {
  const name = fields.get('P');
  if (!name) return undefined;
  const size = fields.get('I') ?? '';
  return {
    name,
    version: fields.get('V') ?? '',
    architecture: fields.get('A') ?? null,
    source: fields.get('o') ?? null,
    section: null,
    maintainer: fields.get('m') ?? null,
    installed_size_bytes: /^\d{1,15}$/.test(size) ? Number(size) : null,
    essential: false,
    status: 'installed',
  };
}
