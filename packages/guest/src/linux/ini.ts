/** A section of an INI file: sections of one name are not merged, repeated keys are kept. */
export interface IniSection {
  readonly name: string;
  readonly values: ReadonlyMap<string, readonly string[]>;
}

/** Files of `[Section]` and `key=value`: NetworkManager keyfiles, systemd-networkd. Keys and names keep their case. */
export function parseIni(text: string): readonly IniSection[] {
  const sections: { name: string; values: Map<string, string[]> }[] = [];
  for (const line of text.split('\n').map((raw) => raw.trim())) {
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    if (line.startsWith('[') && line.endsWith(']')) {
      sections.push({ name: line.slice(1, -1), values: new Map() });
      continue;
    }
    const equals = line.indexOf('=');
    const values = sections.at(-1)?.values;
    if (equals < 0 || !values) continue;
    const key = line.slice(0, equals).trim();
    const value = line.slice(equals + 1).trim();
    const known = values.get(key);
    if (known) known.push(value);
    else values.set(key, [value]);
  }
  return sections;
}

/** Values of a key in all sections of a name, in order. */
export function iniValues(sections: readonly IniSection[], name: string, key: string): readonly string[] {
  return sections.filter((section) => section.name === name).flatMap((section) => section.values.get(key) ?? []);
}

export function iniValue(sections: readonly IniSection[], name: string, key: string): string | undefined {
  return iniValues(sections, name, key).at(-1);
}
