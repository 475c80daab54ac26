import type { Converter } from './filters.ts';

const INSTRUCTION_SIZE = 5;
const CALL = 0xe8;
const JUMP = 0xe9;
/** How far back an opcode byte may stand so that it takes part in this instruction's bytes. */
const REACH = 5;

/**
 * Undoes the x86 filter: targets of calls and jumps of 32 bits whose top byte is all zeros or all ones. Bytes that look like
 * opcodes stand inside other instructions, too, so a mask of those among the last few bytes decides which are converted.
 */
export function x86Converter(): Converter {
  let mask = 0;
  let lastOpcode = -REACH;
  return (bytes, start) => {
    let at = 0;
    if (start - lastOpcode > REACH) lastOpcode = start - REACH;
    while (at + INSTRUCTION_SIZE <= bytes.length) {
      const opcode = bytes[at];
      if (opcode !== CALL && opcode !== JUMP) {
        at++;
        continue;
      }
      mask = age(mask, start + at - lastOpcode);
      lastOpcode = start + at;
      if (isConverted(bytes, at, mask)) {
        convert(bytes, at, (start + at + INSTRUCTION_SIZE) | 0, mask);
        mask = 0;
        at += INSTRUCTION_SIZE;
      } else {
        mask |= isTop(bytes[at + 4] as number) ? 0x11 : 0x01;
        at++;
      }
    }
    return at;
  };
}

/** One bit a byte since the opcodes that were seen; bit 4 and up say that their top byte would have done. */
function age(mask: number, distance: number): number {
  if (distance > REACH) return 0;
  let aged = mask;
  for (let count = 0; count < distance; count++) aged = (aged & 0x77) << 1;
  return aged;
}

function isConverted(bytes: Uint8Array, at: number, mask: number): boolean {
  const seen = mask >>> 1;
  return isTop(bytes[at + 4] as number) && seen <= 4 && seen !== 3;
}

function isTop(byte: number): boolean {
  return byte === 0x00 || byte === 0xff;
}

function convert(bytes: Uint8Array, at: number, next: number, mask: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const target = relativeTarget(view.getInt32(at + 1, true), next, mask);
  const sign = ((target >>> 24) & 1) === 0 ? 0 : 0xff;
  view.setInt32(at + 1, (target & 0xffffff) | (sign << 24), true);
}

/** The byte that an earlier opcode looked at must not look like a top byte afterwards, else its writer went on. */
function relativeTarget(absolute: number, next: number, mask: number): number {
  let source = absolute;
  for (;;) {
    const target = (source - next) | 0;
    if (mask === 0) return target;
    const shift = OBSERVED_BYTE[mask >>> 1] as number;
    if (!isTop((target >>> (24 - shift)) & 0xff)) return target;
    source = target ^ ((1 << (32 - shift)) - 1);
  }
}

/** How far below the top the byte is, in bits, that the opcode nearest by ended in. */
const OBSERVED_BYTE = [0, 8, 16, 16, 24];
