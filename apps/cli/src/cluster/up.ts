import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment, UpOptions } from './guestkit-worker.ts';
import { keepRedis } from './keep-redis.ts';
import { keepRunning, type Service } from './keep-running.ts';
import { SERVICE_FILES } from './service.ts';
import { readServiceFlags, type ServiceFlags } from './service-flags.ts';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Beyond the time that a service takes for itself, before it is killed. */
const MARGIN_MS = 5_000;
const NODE_STOP_MS = 15_000;
const PROBE_PAUSE_MS = 100;

/** Runs a whole cluster in the foreground until it is told to stop: then workers drain, API nodes close, and Redis goes last. */
export async function up(flags: readonly string[], options: UpOptions, env: Environment): Promise<void> {
  const plan = readServiceFlags(flags, options, env);
  const stop = stopRequested();
  await using redis = plan.redisUrl === undefined ? await keepRedis(plan.dataDir, say) : undefined;
  const environment = { ...compileCache(plan.dataDir), ...env, ...(redis && { REDIS_URL: redis.url }) };
  void announce(plan.apiUrls, stop);
  await runServices(plan, environment, stop);
}

/** Services, and the threads of workers, start in half the time when their code was compiled before. */
function compileCache(dataDir: string): Environment {
  return { NODE_COMPILE_CACHE: path.resolve(dataDir, 'compile-cache') };
}

async function runServices(plan: ServiceFlags, environment: Environment, stop: AbortSignal): Promise<void> {
  const [stopWorkers, stopNodes] = [new AbortController(), new AbortController()];
  const keep = (services: readonly Service[], signal: AbortSignal, graceMs: number) =>
    services.map((service) => keepRunning(service, { signal, graceMs, say }));
  const nodes = keep(servicesOf('api', plan.apiNodes, environment), stopNodes.signal, NODE_STOP_MS);
  const workers = keep(servicesOf('worker', plan.workers, environment), stopWorkers.signal, plan.drainMs + MARGIN_MS);
  try {
    // a service that cannot start ends all of it
    await Promise.race([aborted(stop), ...nodes, ...workers]);
  } finally {
    say('stopping: workers finish what they run');
    stopWorkers.abort();
    await Promise.allSettled(workers);
    stopNodes.abort();
    await Promise.allSettled(nodes);
  }
}

function servicesOf(
  name: 'api' | 'worker',
  flags: readonly (readonly string[])[],
  environment: Environment,
): readonly Service[] {
  return flags.map((args, index) => ({ name: `${name} ${index + 1}`, file: SERVICE_FILES[name], args, environment }));
}

/** Says where the cluster is as soon as it answers. */
async function announce(urls: readonly string[], stop: AbortSignal): Promise<void> {
  for (const url of urls) {
    while (!stop.aborted && !(await isLive(url))) await sleep(PROBE_PAUSE_MS);
    if (!stop.aborted) say(`API at ${url}/api/v1, board at ${url}/board`);
  }
}

async function isLive(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/health/live`).catch(() => undefined);
  await answer?.body?.cancel();
  return answer?.ok === true;
}

function stopRequested(): AbortSignal {
  const controller = new AbortController();
  // stays on after the first: a second Ctrl-C must not leave the parts behind
  for (const name of STOP_SIGNALS) process.on(name, () => controller.abort());
  return controller.signal;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function say(message: string): void {
  process.stderr.write(`guestkit-worker: ${message}\n`);
}
