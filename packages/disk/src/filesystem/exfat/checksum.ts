/** The rotating sum of 32 bits over a boot region or an upcase table. */
export function checksum32(bytes: Uint8Array, isLeftOut: (index: number) => boolean = () => false): number {
  let sum = 0;
  for (let index = 0; index < bytes.length; index++) {
    if (!isLeftOut(index)) sum = (((sum << 31) | (sum >>> 1)) + (bytes[index] as number)) >>> 0;
  }
  return sum;
}

/** The rotating sum of 16 bits, continued over the entries of a set. */
export function checksum16(seed: number, bytes: Uint8Array, isLeftOut: (index: number) => boolean): number {
  let sum = seed;
  for (let index = 0; index < bytes.length; index++) {
    if (!isLeftOut(index)) sum = (((sum & 1) << 15) + (sum >> 1) + (bytes[index] as number)) & 0xffff;
  }
  return sum;
}
