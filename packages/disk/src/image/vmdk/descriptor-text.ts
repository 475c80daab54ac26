const LARGEST_LABEL = 40;
const LABEL = new RegExp(`^[ \\t]*encoding[ \\t]*=[ \\t]*"([\\w.:-]{1,${LARGEST_LABEL}})"`, 'im');

export interface DescriptorText {
  readonly lines: readonly string[];
  /** As the descriptor names it. */
  readonly encoding: string | undefined;
}

/** The lines of a descriptor, in the character set that one of them names. What follows a NUL is padding. */
export function readDescriptorText(bytes: Uint8Array): DescriptorText {
  const end = bytes.indexOf(0);
  const text = end === -1 ? bytes : bytes.subarray(0, end);
  const encoding = LABEL.exec(Buffer.from(text).toString('latin1'))?.[1];
  return { lines: decode(text, encoding).split(/\r\n|\n|\r/), encoding };
}

function decode(bytes: Uint8Array, encoding: string | undefined): string {
  const decoder = encoding === undefined ? undefined : decoderOf(encoding);
  if (decoder !== undefined) return decoder.decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

/** Only of sets in which ASCII is ASCII: in others the text would say something else than it does to qemu. */
function decoderOf(label: string): TextDecoder | undefined {
  try {
    const decoder = new TextDecoder(label);
    return /^(utf-16|iso-2022)/.test(decoder.encoding) ? undefined : decoder;
  } catch {
    // VMware has names of its own
    return undefined;
  }
}
