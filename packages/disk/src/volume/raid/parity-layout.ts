// Where Linux puts data and parity of RAID 4, 5 and 6: raid5_compute_sector of drivers/md/raid5.c

/** Which member holds what in one row of chunks. */
export interface Row {
  readonly parity: number;
  /** Of RAID 6. */
  readonly second: number | undefined;
  /** Member that holds data chunk `n` of the row. */
  data(n: number): number;
}

/** @param row its number, from 0 @param members how many the array has */
export type RowLayout = ((row: number, members: number) => Row) & {
  /** Members count for the second parity from the first on, parities among them as zeros: the order of DDF. */
  readonly isDdf?: true;
};

/** By the numbers that md gives them. LVM names them: `raid5_ls` is 2. */
export const RAID5_LAYOUTS: ReadonlyMap<number, RowLayout> = new Map<number, RowLayout>([
  // left asymmetric, right asymmetric, left symmetric, right symmetric, parity first, parity last
  [0, (row, n) => inOrder(fromLast(row, n))],
  [1, (row, n) => inOrder(row % n)],
  [2, (row, n) => behind(fromLast(row, n), n)],
  [3, (row, n) => behind(row % n, n)],
  [4, () => inOrder(0)],
  [5, (_, n) => inOrder(n - 1)],
]);

export const RAID6_LAYOUTS: ReadonlyMap<number, RowLayout> = new Map<number, RowLayout>([
  [0, (row, n) => pairInOrder(fromLast(row, n), n)],
  [1, (row, n) => pairInOrder(row % n, n)],
  [2, (row, n) => pairBehind(fromLast(row, n), n)],
  [3, (row, n) => pairBehind(row % n, n)],
  [4, (_, n) => pairInOrder(0, n)],
  [5, (_, n) => pairInOrder(n - 2, n)],
  // rotating zero restart, rotating N restart, rotating N continue
  [8, ddf((row, n) => pairInOrder(row % n, n))],
  [9, ddf((row, n) => pairInOrder(fromLast(row + 1, n), n))],
  [10, ddf((row, n) => secondBefore(fromLast(row, n), n))],
  // those of RAID 5 with the second parity on a member of its own
  [16, (row, n) => secondLast(inOrder(fromLast(row, n - 1)), n)],
  [17, (row, n) => secondLast(inOrder(row % (n - 1)), n)],
  [18, (row, n) => secondLast(behind(fromLast(row, n - 1), n - 1), n)],
  [19, (row, n) => secondLast(behind(row % (n - 1), n - 1), n)],
  [20, (_, n) => secondLast(inOrder(0), n)],
]);

function ddf(layout: (row: number, members: number) => Row): RowLayout {
  return Object.assign(layout, { isDdf: true as const });
}

/** The parity goes from the last member to the first. */
function fromLast(row: number, members: number): number {
  return members - 1 - (row % members);
}

/** Data lies in the order of members, passing over the parity. */
function inOrder(parity: number): Row {
  return { parity, second: undefined, data: (n) => (n >= parity ? n + 1 : n) };
}

/** Data starts on the member behind the parity. */
function behind(parity: number, members: number): Row {
  return { parity, second: undefined, data: (n) => (parity + 1 + n) % members };
}

function pairInOrder(parity: number, members: number): Row {
  if (parity === members - 1) return { parity, second: 0, data: (n) => n + 1 };
  return { parity, second: parity + 1, data: (n) => (n >= parity ? n + 2 : n) };
}

function pairBehind(parity: number, members: number): Row {
  return { parity, second: (parity + 1) % members, data: (n) => (parity + 2 + n) % members };
}

function secondBefore(parity: number, members: number): Row {
  return { parity, second: (parity + members - 1) % members, data: (n) => (parity + 1 + n) % members };
}

function secondLast(row: Row, members: number): Row {
  return { ...row, second: members - 1 };
}
