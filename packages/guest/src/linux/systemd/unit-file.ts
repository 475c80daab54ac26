// What a unit file says about being enabled: systemd.unit(5), section [Install], plus its description.

export interface UnitFile {
  readonly description: string | null;
  /** Has WantedBy=, RequiredBy=, UpheldBy= or Alias=: it can be enabled. */
  readonly installable: boolean;
  /** Also=: enabling it enables others. */
  readonly enablesOthers: boolean;
  /** Alias= names. */
  readonly aliases: readonly string[];
  /** DefaultInstance= of a template. */
  readonly defaultInstance: string | null;
}

const INSTALLS = new Set(['WantedBy', 'RequiredBy', 'UpheldBy', 'Alias']);

export function parseUnitFile(text: string): UnitFile {
  let section = '';
  let description: string | null = null;
  const install = new Map<string, string[]>();
  for (const line of logicalLines(text)) {
    if (line.startsWith('[')) section = line;
    if (section !== '[Unit]' && section !== '[Install]') continue;
    const setting = /^([A-Za-z]+)\s*=\s*(.*)$/.exec(line);
    if (setting && section === '[Unit]' && setting[1] === 'Description') description = setting[2] || null;
    else if (setting?.[1] && section === '[Install]') assign(install, setting[1], setting[2] ?? '');
  }
  return {
    description,
    installable: [...install].some(([name, values]) => INSTALLS.has(name) && values.length > 0),
    enablesOthers: (install.get('Also')?.length ?? 0) > 0,
    aliases: install.get('Alias') ?? [],
    defaultInstance: install.get('DefaultInstance')?.at(-1) ?? null,
  };
}

/** Lines without comments, those that end in a backslash joined with the next. */
function* logicalLines(text: string): Iterable<string> {
  let joined: string[] = [];
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    // a comment does not end a continued line
    if (line.startsWith('#') || line.startsWith(';')) continue;
    joined.push(line.endsWith('\\') ? line.slice(0, -1) : line);
    if (line.endsWith('\\')) continue;
    yield joined.join(' ');
    joined = [];
  }
  yield joined.join(' ');
}

/** A list grows with each assignment; an empty one resets it. */
function assign(settings: Map<string, string[]>, name: string, value: string): void {
  const words = value.split(/\s+/).filter((word) => word !== '');
  const known = settings.get(name);
  if (known && words.length > 0) known.push(...words);
  else settings.set(name, words);
}
