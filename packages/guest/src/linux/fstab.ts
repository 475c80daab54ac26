/** A line of fstab(5), quotes and escapes undone. */
export interface FstabEntry {
  /** `UUID=…`, `LABEL=…`, `/dev/sda1`, `tmpfs` … */
  readonly spec: string;
  /** Absolute path, or `none`. */
  readonly mountpoint: string;
  readonly fstype: string;
  readonly options: readonly string[];
  readonly dump: number;
  readonly pass: number;
}

// more mounts than any system has; what follows is not looked at
const MAX_ENTRIES = 1000;

export function parseFstab(text: string): readonly FstabEntry[] {
  return text.split('\n').flatMap(parseLine).slice(0, MAX_ENTRIES);
}

function parseLine(line: string): readonly FstabEntry[] {
  const [spec, mountpoint, fstype = 'auto', options = 'defaults', dump, pass] = line.trim().split(/[ \t]+/);
  if (!spec || spec.startsWith('#') || !mountpoint) return [];
  return [
    {
      spec: unquoteTag(unescapeOctal(spec)),
      mountpoint: unescapeOctal(mountpoint),
      fstype,
      options: unescapeOctal(options).split(','),
      dump: wholeNumber(dump),
      pass: wholeNumber(pass),
    },
  ];
}

/** A blank is written `\040`: fields are separated by blanks. */
export function unescapeOctal(field: string): string {
  return field.replace(/\\([0-3][0-7]{2})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** `UUID="…"` is as good as `UUID=…`. */
export function unquoteTag(spec: string): string {
  return spec.replace(/^([A-Z]+)=(["'])(.*)\2$/, '$1=$3');
}

function wholeNumber(field = '0'): number {
  return /^\d{1,9}$/.test(field) ? Number(field) : 0;
}

/** Some network filesystems are named `//user:secret@server/share` (security rule R11). */
export function specWithoutPassword(spec: string): string {
  return spec.replace(/(\/\/[^/@:]{0,256}):[^/@]{0,256}@/, '$1:***@');
}
