import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream';
import { createZstdDecompress } from 'node:zlib';
import type { ArtifactReference } from '../job/artifact.ts';
import type { ArtifactContent, ArtifactStore } from './artifact-store.ts';

/** What the store holds is not what was put there. */
export class ArtifactFault extends Error {
  override readonly name = 'ArtifactFault';
}

/**
 * Opens an artifact; `undefined` when the store does not have it. Its last piece comes only once size and sum are seen to be right,
 * so that nobody takes a damaged content for a whole one.
 */
export async function openArtifact(
  store: ArtifactStore,
  reference: ArtifactReference,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const content = await store.get(reference.key);
  return content && readContent(content, reference);
}

async function* readContent(content: ArtifactContent, reference: ArtifactReference): AsyncIterable<Uint8Array> {
  await using opened = content;
  yield* verified(plain(opened.bytes, reference), reference);
}

function plain(bytes: AsyncIterable<Uint8Array>, { encoding }: ArtifactReference): AsyncIterable<Uint8Array> {
  if (encoding === 'identity') return bytes;
  // whoever reads on hears of the fault
  return pipeline(bytes, createZstdDecompress(), () => {});
}

async function* verified(
  bytes: AsyncIterable<Uint8Array>,
  { name, size_bytes, sha256 }: ArtifactReference,
): AsyncIterable<Uint8Array> {
  const sum = createHash('sha256');
  let sizeBytes = 0;
  let last: Uint8Array | undefined;
  for await (const piece of bytes) {
    sum.update(piece);
    sizeBytes += piece.length;
    // a few compressed bytes must not become any number of them
    if (sizeBytes > size_bytes) break;
    if (last) yield last;
    last = piece;
  }
  if (sizeBytes !== size_bytes || sum.digest('hex') !== sha256) {
    throw new ArtifactFault(
      `Cannot read artifact "${name}": the store holds something else, expected sha256 ${sha256}`,
    );
  }
  if (last) yield last;
}
