/** Before packing, targets of x86 calls were made absolute, as if every program were of this size. */
const FILE_BYTES = 12_000_000;
const CALL = 0xe8;
const CALL_BYTES = 5;
/** No call begins in the last bytes. */
const TAIL_BYTES = 10;

/** Makes the targets of calls relative again, in place. */
export function undoE8(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (
    let at = bytes.indexOf(CALL);
    at >= 0 && at < bytes.length - TAIL_BYTES;
    at = bytes.indexOf(CALL, at + CALL_BYTES)
  ) {
    const target = view.getInt32(at + 1, true);
    if (target < -at || target >= FILE_BYTES) continue;
    view.setInt32(at + 1, target >= 0 ? target - at : target + FILE_BYTES, true);
  }
  return bytes;
}
