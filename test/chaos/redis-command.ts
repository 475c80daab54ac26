import { Redis } from 'ioredis';

/** One command to a Redis, over a connection of its own. */
export async function askRedis(url: string, command: string, ...args: readonly string[]): Promise<unknown> {
  await using redis = openRedis(url);
  return await redis.client.call(command, ...args);
}

export function openRedis(url: string): AsyncDisposable & { readonly client: Redis } {
  const client = new Redis(url.replace(/^unix:/, ''), { maxRetriesPerRequest: null });
  client.on('error', () => {});
  return { client, [Symbol.asyncDispose]: async () => client.disconnect() };
}
