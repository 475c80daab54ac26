import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { zstdCompress } from 'node:zlib';
import type { ArtifactReference } from '../job/artifact.ts';
import type { ArtifactStore, PutOptions } from './artifact-store.ts';

const compress = promisify(zstdCompress);

/** Below this size compressing costs more than it saves. */
const COMPRESS_FROM_BYTES = 16 * 1024;

type Named = Pick<ArtifactReference, 'name' | 'key' | 'media_type'>;

/** Stores a content, compressed where that is worth it, and returns what is needed to find and check it again. */
export async function keepArtifact(
  store: ArtifactStore,
  named: Named,
  content: Uint8Array,
  options?: PutOptions,
): Promise<ArtifactReference> {
  const compressed = content.length < COMPRESS_FROM_BYTES ? content : await compress(content);
  const isWorthIt = compressed.length < content.length;
  await store.put(named.key, isWorthIt ? compressed : content, options);
  return {
    ...named,
    size_bytes: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
    encoding: isWorthIt ? 'zstd' : 'identity',
  };
}
