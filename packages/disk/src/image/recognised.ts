import { COMPRESSION_SIGNATURES, type Compression } from '../compression/detect.ts';
import { DiskError } from '../error.ts';
import type { ImageFormat } from './image.ts';

/** A container we can name but not read: naming it keeps it from being taken for raw. */
interface Recognised {
  readonly name: string;
  readonly title: string;
  readonly magics: readonly Magic[];
  /** What makes it another format, which has a line of its own. */
  readonly unless?: readonly Magic[];
}

interface Magic {
  /** Latin-1, so that `\xff` is the byte 255. */
  readonly text: string;
  readonly at: number;
  readonly in?: 'tail';
}

/** First in an archive of AFF4, which is a zip archive. */
const AFF4_MEMBER = [head('container.description', 30)];

const RECOGNISED: readonly Recognised[] = [
  { name: 'qed', title: 'QEMU enhanced disk (QED)', magics: [head('QED\0')] },
  { name: 'dmg', title: 'Apple disk image (DMG)', magics: [tail('koly'), head('koly')] },
  { name: 'asif', title: 'Apple sparse image (ASIF)', magics: [head('shdw')] },
  {
    name: 'ewf',
    title: 'EnCase image (E01)',
    magics: [head('EVF\t\r\n\xff\0'), head('EVF2\r\n\x81\0'), head('LVF\t\r\n\xff\0')],
  },
  { name: 'vma', title: 'Proxmox backup (VMA)', magics: [head('VMA\0')] },
  // version 13, in use, and a name of 3 letters: that of the digest its blocks have
  { name: 'vbk', title: 'Veeam backup (VBK)', magics: [head('\x0d\0\0\0\x01\0\0\0\x03\0\0\0md5\0')] },
  { name: 'aff', title: 'Advanced Forensic Format image (AFF)', magics: [head('AFF10\r\n\0')] },
  { name: 'aff4', title: 'Advanced Forensic Format image (AFF4)', magics: AFF4_MEMBER },
  { name: 'sparseimage', title: 'Apple sparse image (UDSP)', magics: [head('sprs')] },
  { name: 'wim', title: 'Windows image (WIM)', magics: [head('MSWIM\0\0\0')] },
  { name: 'partclone', title: 'Partclone image', magics: [head('partclone-image')] },
  { name: 'partimage', title: 'Partimage volume', magics: [head('PaRtImAgE-VoLuMe')] },
  { name: 'bochs', title: 'Bochs disk', magics: [head('Bochs Virtual HD Image')] },
  { name: 'cloop', title: 'compressed loop image', magics: [head('#!/bin/sh\n#V2.0 Format\nmodprobe cloop')] },
  { name: 'gzip', title: 'gzip compressed file', magics: [compressed('gzip')] },
  { name: 'xz', title: 'xz compressed file', magics: [compressed('xz')] },
  { name: 'zstd', title: 'zstd compressed file', magics: [compressed('zstd')] },
  {
    name: 'bzip2',
    title: 'bzip2 compressed file',
    magics: [1, 2, 3, 4, 5, 6, 7, 8, 9].map((level) => head(`BZh${level}1AY&SY`)),
  },
  { name: 'lz4', title: 'lz4 compressed file', magics: [head('\x04\x22\x4d\x18')] },
  { name: 'lzop', title: 'lzop compressed file', magics: [head('\x89LZO\0\r\n\x1a\n')] },
  { name: '7z', title: '7-Zip archive', magics: [head('7z\xbc\xaf\x27\x1c')] },
  { name: 'zip', title: 'zip archive', magics: [head('PK\x03\x04')], unless: AFF4_MEMBER },
];

function head(text: string, at = 0): Magic {
  return { text, at };
}

function compressed(name: Compression): Magic {
  return head(String.fromCharCode(...COMPRESSION_SIGNATURES[name]));
}

function tail(text: string): Magic {
  return { text, at: 0, in: 'tail' };
}

/** Formats that are recognised and refused by name, one line of the table each. */
export const RECOGNISED_FORMATS: readonly ImageFormat[] = RECOGNISED.map(refusing);

function refusing({ name, title, magics, unless = [] }: Recognised): ImageFormat {
  return {
    name,
    detect: (headBytes, tailBytes) => {
      const has = (magic: Magic) => isAt(magic.in === 'tail' ? tailBytes : headBytes, magic);
      return magics.some(has) && !unless.some(has);
    },
    open: () => {
      const message = `Cannot open ${title}: the format cannot be read yet`;
      throw new DiskError('unsupported', message, { format: name, offset: 0 });
    },
  };
}

function isAt(bytes: Uint8Array, { text, at }: Magic): boolean {
  if (bytes.length < at + text.length) return false;
  for (let index = 0; index < text.length; index++) {
    if (bytes[at + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}
