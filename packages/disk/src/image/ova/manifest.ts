import { createHash } from 'node:crypto';
import type { ByteSource } from '../../source/byte-source.ts';
import { corrupt } from './error.ts';
import { LIMIT } from './layout.ts';
import { readTar, type TarMember } from './tar.ts';

/** What became of a file that a manifest lists. */
export interface ManifestCheck {
  readonly file: string;
  readonly algorithm: 'sha1' | 'sha256' | 'sha512';
  readonly result: 'matches' | 'differs' | 'missing';
}

export interface ManifestLine {
  readonly file: string;
  readonly algorithm: ManifestCheck['algorithm'];
  readonly digest: string;
}

const PIECE_BYTES = 4 * 2 ** 20;

/** Reads every file that the manifest of an OVA lists, and compares its digest. Empty when there is no manifest. */
export function checkOvaManifest(source: ByteSource): readonly ManifestCheck[] {
  const members = readTar(source);
  return readManifest(source, members).map((line) => checkLine(source, members, line));
}

export function checkLine(
  source: ByteSource,
  members: ReadonlyMap<string, TarMember>,
  { file, algorithm, digest }: ManifestLine,
): ManifestCheck {
  const member = members.get(file);
  if (member === undefined) return { file, algorithm, result: 'missing' };
  return { file, algorithm, result: digestOf(source, member, algorithm) === digest ? 'matches' : 'differs' };
}

function digestOf(source: ByteSource, { offset, sizeBytes }: TarMember, algorithm: string): string {
  const hash = createHash(algorithm);
  for (let at = 0; at < sizeBytes; at += PIECE_BYTES) {
    hash.update(source.read(offset + at, Math.min(PIECE_BYTES, sizeBytes - at)));
  }
  return hash.digest('hex');
}

// SHA256(disk.vmdk)= 0123…
const LINE = /^(SHA1|SHA256|SHA512) ?\(([^\0]{1,1024})\) ?= ?([0-9a-f]{40,128})$/i;

export function readManifest(source: ByteSource, members: ReadonlyMap<string, TarMember>): readonly ManifestLine[] {
  const manifest = [...members.values()].find(({ name }) => name.toLowerCase().endsWith('.mf'));
  if (manifest === undefined) return [];
  if (manifest.sizeBytes > LIMIT.manifestBytes || manifest.isSparse) {
    throw corrupt(
      'manifest',
      `it has ${manifest.sizeBytes} bytes, expected at most ${LIMIT.manifestBytes}`,
      manifest.offset,
    );
  }
  const lines = Buffer.from(source.read(manifest.offset, manifest.sizeBytes)).toString().split('\n');
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => readLine(line, manifest.offset));
}

function readLine(line: string, offset: number): ManifestLine {
  const [, algorithm, file, digest] = LINE.exec(line) ?? [];
  if (algorithm === undefined || file === undefined || digest === undefined) {
    throw corrupt('manifest', 'a line is not of the form "SHA256(file)= digest"', offset);
  }
  return { file, algorithm: ALGORITHMS[algorithm.toUpperCase()] ?? 'sha256', digest: digest.toLowerCase() };
}

const ALGORITHMS: Readonly<Record<string, ManifestCheck['algorithm']>> = {
  SHA1: 'sha1',
  SHA256: 'sha256',
  SHA512: 'sha512',
};
