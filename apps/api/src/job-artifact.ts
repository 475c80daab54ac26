import { openArtifact } from '@guestkit/core/artifact/read-artifact';
import type { ArtifactReference } from '@guestkit/core/job/artifact';
import type { ApiParts } from './api-parts.ts';
import { Problem } from './problem.ts';
import { reach } from './reach.ts';

/** The content of an artifact. @throws Problem `not-found` when the store does not have it, `unavailable` when it gives no answer */
export async function requireArtifact(
  { artifacts }: Pick<ApiParts, 'artifacts'>,
  reference: ArtifactReference,
): Promise<AsyncIterable<Uint8Array>> {
  const content = await reach('the artifact store', () => openArtifact(artifacts, reference));
  if (content !== undefined) return content;
  throw new Problem('not-found', `Cannot show artifact "${reference.name}": the artifact store does not have it`, {
    details: { name: reference.name },
  });
}
