/** Which bit of a byte comes first. */
export type BitOrder = 'high-first' | 'low-first';

export interface BitRun {
  readonly isSet: boolean;
  readonly count: number;
}

/** The run of equal bits from `start`, before `end`. */
export function bitRun(bitmap: Uint8Array, start: number, end: number, order: BitOrder): BitRun {
  const isSet = bitAt(bitmap, start, order);
  const whole = isSet ? 0xff : 0;
  let at = start + 1;
  while (at < end) {
    // most runs are long: whole bytes at a time
    if (at % 8 === 0 && bitmap[at / 8] === whole) at += 8;
    else if (bitAt(bitmap, at, order) === isSet) at += 1;
    else break;
  }
  return { isSet, count: Math.min(at, end) - start };
}

function bitAt(bitmap: Uint8Array, index: number, order: BitOrder): boolean {
  const shift = order === 'low-first' ? index % 8 : 7 - (index % 8);
  return (((bitmap[Math.floor(index / 8)] ?? 0) >>> shift) & 1) === 1;
}
