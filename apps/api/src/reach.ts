import { Problem } from './problem.ts';

/** Calls another service within a time. @throws Problem `unavailable`, which names the service and nothing of its address */
export async function reach<Value>(service: string, call: () => Promise<Value>, timeoutMs = 3000): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([call(), late]);
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    throw new Problem('unavailable', `Cannot reach ${service}: it gives no answer, try again`, {
      cause,
      headers: { 'retry-after': '1' },
    });
  } finally {
    clearTimeout(timer);
  }
}
