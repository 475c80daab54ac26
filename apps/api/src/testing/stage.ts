import { afterAll } from 'vitest';
import { openPlace, type Place, startTestNode, type TestNode } from './node.ts';

/** A place with one node for all tests of a file; closed when they are through. */
export async function setStage(
  options: Parameters<typeof startTestNode>[1] = {},
): Promise<{ readonly place: Place; readonly client: TestNode['client']; readonly stack: AsyncDisposableStack }> {
  const stack = new AsyncDisposableStack();
  afterAll(() => stack.disposeAsync());
  const place = stack.use(await openPlace());
  const { client } = stack.use(await startTestNode(place, options));
  return { place, client, stack };
}
