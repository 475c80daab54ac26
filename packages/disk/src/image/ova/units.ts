const NAMED: ReadonlyMap<string, number> = new Map([
  ['kilobytes', 2 ** 10],
  ['megabytes', 2 ** 20],
  ['gigabytes', 2 ** 30],
]);

/** A quantity in allocation units (`byte * 2^20`, `MegaBytes`) in bytes; `undefined` when it makes no sense. */
export function sizeOf(quantity: string | undefined, units: string): number | undefined {
  if (quantity === undefined || !/^\d{1,15}$/.test(quantity.trim())) return undefined;
  const power = /^byte\s{0,9}\*\s{0,9}2\^(\d{1,2})$/i.exec(units.trim());
  const unit = power === null ? (NAMED.get(units.trim().toLowerCase()) ?? 1) : 2 ** Number(power[1]);
  const size = Number(quantity) * unit;
  return Number.isSafeInteger(size) ? size : undefined;
}
