import { loadApiConfig } from '@guestkit/core/config/api-config';
import { readFlags } from '@guestkit/core/config/flags';
import type { LoadedConfig } from '@guestkit/core/config/load';
import { flagOf } from '@guestkit/core/config/schema';
import { loadWorkerConfig } from '@guestkit/core/config/worker-config';
import type { Environment } from './guestkit-worker.ts';

/** The flags of several nodes and workers on one host, from one command line that holds those of both. */
export interface ServiceFlags {
  readonly apiNodes: readonly (readonly string[])[];
  readonly workers: readonly (readonly string[])[];
  readonly apiUrls: readonly string[];
  readonly dataDir: string;
  readonly redisUrl: string | undefined;
  /** How long a worker may take to stop. */
  readonly drainMs: number;
}

/**
 * Checks the whole command line once and gives every service its share; ports count up, names are numbered.
 * @throws ConfigError
 */
export function readServiceFlags(
  flags: readonly string[],
  { apiNodes, workers }: { readonly apiNodes: number; readonly workers: number },
  env: Environment,
): ServiceFlags {
  const inputs = { argv: flags, env, sharedFlags: true };
  const api = loadApiConfig(inputs);
  const worker = loadWorkerConfig(inputs);
  const { host, port, dataDir, redisUrl } = api.values;
  const { drainMs, killGraceMs, metricsPort } = worker.values;
  const { file } = readFlags(flags, { ...api.keys, ...worker.keys });
  const common = file === undefined ? [] : [`--config=${file}`];
  const ports = Array.from({ length: apiNodes }, (_, index) => port + index);
  return {
    apiNodes: ports.map((own, index) => [
      ...common,
      ...given(api, { ...numbered(api, 'nodeId', { index, count: apiNodes }), port: own }),
    ]),
    workers: Array.from({ length: workers }, (_, index) => [
      ...common,
      ...given(worker, {
        ...numbered(worker, 'workerId', { index, count: workers }),
        // 0 is any free port, however many ask
        metricsPort: metricsPort === 0 ? 0 : metricsPort + index,
      }),
    ]),
    apiUrls: ports.map((own) => `http://${host.includes(':') ? `[${host}]` : host}:${own}`),
    dataDir,
    redisUrl,
    drainMs: drainMs + killGraceMs,
  };
}

type Values = Readonly<Record<string, unknown>>;

/** Flags that were given on the command line, with some values replaced. Environment and file reach the services by themselves. */
function given(loaded: LoadedConfig, replaced: Values): readonly string[] {
  const names = Object.keys(loaded.keys).filter((name) => loaded.origins[name]?.from === 'flag' || name in replaced);
  return names.map((name) => `${flagOf(name)}=${text(replaced[name] ?? loaded.values[name])}`);
}

/** A name set for one service would be shared by all of them: each gets it with its number. */
function numbered(
  loaded: LoadedConfig,
  name: string,
  { index, count }: { readonly index: number; readonly count: number },
): Values {
  const isShared = count > 1 && loaded.origins[name]?.from !== 'default';
  return isShared ? { [name]: `${loaded.values[name]}-${index + 1}` } : {};
}

function text(value: unknown): string {
  return Array.isArray(value) ? value.join(',') : String(value);
}
