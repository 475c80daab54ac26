/** Orders versions as people do: runs of digits by value, all else by character. `6.9` comes before `6.10`. */
export function compareVersions(a: string, b: string): number {
  const left = runs(a);
  const right = runs(b);
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const order = compareRuns(left[at] ?? '', right[at] ?? '');
    if (order !== 0) return order;
  }
  return 0;
}

function runs(version: string): readonly string[] {
  return version.match(/\d+|[^\d]+/g) ?? [];
}

function compareRuns(a: string, b: string): number {
  if (a === b) return 0;
  if (!/^\d/.test(a) || !/^\d/.test(b)) return preRelease(b) - preRelease(a) || (a < b ? -1 : 1);
  const [x, y] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  // longer digit strings are larger numbers, whatever their size
  return x.length - y.length || (x < y ? -1 : x > y ? 1 : 0);
}

/** `6.1-rc3` and `6.1~beta` come before `6.1`. */
function preRelease(run: string): number {
  return /^[-.~]?(rc|alpha|beta|pre)/.test(run) || run.startsWith('~') ? 1 : 0;
}
