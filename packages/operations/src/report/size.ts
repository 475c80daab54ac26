const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** A number of bytes for people: `194 MiB`, `1.5 GiB`. */
export function formatBytes(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(bytes, 1)) / 10)));
  const value = bytes / 1024 ** power;
  return `${value < 10 && power > 0 ? trimZero(value.toFixed(1)) : Math.round(value)} ${UNITS[power]}`;
}

function trimZero(text: string): string {
  return text.replace(/\.0$/, '');
}
