const VERSION = /^\s*v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?\s*$/;

/** Whether a version is at least another, by the precedence of semantic versioning; `undefined` when either is not a version. */
export function isAtLeast(version: string, minimum: string): boolean | undefined {
  const have = VERSION.exec(version);
  const need = VERSION.exec(minimum);
  if (have === null || need === null) return undefined;
  for (const part of [1, 2, 3]) {
    const difference = Number(have[part] ?? 0) - Number(need[part] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return comparePrereleases(have[4], need[4]) >= 0;
}

function comparePrereleases(a: string | undefined, b: string | undefined): number {
  // a release comes after all of its pre-releases
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  const [left, right] = [a.split('.'), b.split('.')];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = compareIdentifiers(left[i] ?? '', right[i] ?? '');
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function compareIdentifiers(a: string, b: string): number {
  const [numberA, numberB] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (numberA && numberB) return Number(a) - Number(b);
  if (numberA !== numberB) return numberA ? -1 : 1;
  return a < b ? -1 : Number(a > b);
}
