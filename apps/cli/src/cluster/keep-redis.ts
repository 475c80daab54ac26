import { setTimeout as sleep } from 'node:timers/promises';
import { type EmbeddedRedis, openEmbeddedRedis } from '@guestkit/core/coordination/redis/embedded-redis';

export interface KeptRedis extends AsyncDisposable {
  /** Stays the same when the server is started again. */
  readonly url: string;
}

const PAUSE_MS = 1_000;

/** Opens the embedded Redis of a data folder, and starts it again when it dies: its files hold what it knew. */
export async function keepRedis(dataDir: string, say: (message: string) => void): Promise<KeptRedis> {
  const stop = new AbortController();
  const open = () => openEmbeddedRedis({ dataDir, onUnexpectedEnd: reopen });
  const first = await open();
  let current: Promise<EmbeddedRedis | undefined> = Promise.resolve(first);
  return {
    url: first.url,
    async [Symbol.asyncDispose]() {
      stop.abort();
      const redis = await current;
      await redis?.[Symbol.asyncDispose]();
    },
  };

  function reopen(error: Error): void {
    say(`${error.message}; it starts again`);
    current = retry();
  }

  async function retry(): Promise<EmbeddedRedis | undefined> {
    while (!stop.signal.aborted) {
      try {
        return await open();
      } catch (error) {
        say(error instanceof Error ? error.message : String(error));
        await sleep(PAUSE_MS, undefined, { signal: stop.signal }).catch(() => undefined);
      }
    }
    return undefined;
  }
}
