import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hasTool } from '../../../testing/tool.ts';

/** Why nothing can be packed here, or `undefined` where it can. */
export const wimlibAbsent = hasTool('wimcapture') ? undefined : 'files are packed by wimlib (wimtools)';
if (wimlibAbsent !== undefined) console.warn(`Skipping tests: ${wimlibAbsent}`);

const LOOKUP_TABLE = 48;
const ENTRY_BYTES = 50;
const COMPRESSED = 0x4;

/** Packs content as WOF keeps it: the same is in archives of wimlib, whose chunks are of a size that one may choose. */
export function pack(content: Buffer, compression: 'XPRESS' | 'LZX', chunkBytes: number): Buffer {
  const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-wim-'));
  try {
    mkdirSync(path.join(folder, 'source'));
    writeFileSync(path.join(folder, 'source/content'), content);
    const options = [`--compress=${compression}`, `--chunk-size=${chunkBytes}`, '--no-acls'];
    execFileSync('wimcapture', ['source', 'archive', ...options], { cwd: folder, stdio: 'pipe' });
    return resourceOf(readFileSync(path.join(folder, 'archive')), content.length);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function resourceOf(archive: Buffer, sizeBytes: number): Buffer {
  const table = resourceAt(archive, LOOKUP_TABLE);
  for (let at = table.offset; at < table.offset + table.original; at += ENTRY_BYTES) {
    const { offset, size, original, flags } = resourceAt(archive, at);
    if (original === sizeBytes && (flags & COMPRESSED) !== 0) return archive.subarray(offset, offset + size);
  }
  throw new Error('Cannot find the content in the archive');
}

function resourceAt(archive: Buffer, at: number) {
  return {
    size: archive.readUIntLE(at, 6),
    flags: archive.readUInt8(at + 7),
    offset: archive.readUIntLE(at + 8, 6),
    original: archive.readUIntLE(at + 16, 6),
  };
}
