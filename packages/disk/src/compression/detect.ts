/** Compressions of whole files that can be undone, by the signature that such a file begins with. */
export const COMPRESSION_SIGNATURES = {
  gzip: [0x1f, 0x8b, 0x08],
  xz: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
  zstd: [0x28, 0xb5, 0x2f, 0xfd],
} as const;

export type Compression = keyof typeof COMPRESSION_SIGNATURES;

/** How many bytes `compressionOf` looks at. */
export const COMPRESSION_SIGNATURE_SIZE = 6;

/** How a file is compressed as a whole, by its first bytes. */
export function compressionOf(head: Uint8Array): Compression | undefined {
  const names = Object.keys(COMPRESSION_SIGNATURES) as Compression[];
  return names.find((name) => COMPRESSION_SIGNATURES[name].every((byte, index) => head[index] === byte));
}
