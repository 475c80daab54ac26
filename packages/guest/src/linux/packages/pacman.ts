import type { InstalledPackage } from './package.ts';

/** The package that a `desc` file of pacman's local database describes: `%NAME%`, then its values, then a blank line. */
export function parsePacmanDesc(text: string): InstalledPackage | undefined {
  const fields = new Map<string, string>();
  let field = '';
  for (const line of text.split('\n').map((raw) => raw.trim())) {
    if (/^%[A-Z0-9]+%$/.test(line)) field = line.slice(1, -1);
    // only the first value of a field is used here
    else if (line !== '' && !fields.has(field)) fields.set(field, line);
  }
  const name = fields.get('NAME');
  const version = fields.get('VERSION');
  if (!name || !version) return undefined;
  const size = fields.get('SIZE') ?? '';
  return {
    name,
    version,
    architecture: fields.get('ARCH') ?? null,
    source: fields.get('BASE') ?? null,
    section: null,
    maintainer: fields.get('PACKAGER') ?? null,
    installed_size_bytes: /^\d{1,15}$/.test(size) ? Number(size) : null,
    essential: false,
    status: 'installed',
  };
}
