import { API_KEYS, type ApiConfig } from './api-keys.ts';
import { type ConfigInputs, type LoadedConfig, loadConfig } from './load.ts';
import { WORKER_KEYS } from './worker-keys.ts';

export type { ApiConfig } from './api-keys.ts';

/** Reads the configuration of an API node. @throws ConfigError naming every bad key and its place */
export function readApiConfig(inputs: ConfigInputs): ApiConfig {
  return loadApiConfig(inputs).values;
}

/** The same with the origin of every value, for `config print`. */
export function loadApiConfig(inputs: ConfigInputs): LoadedConfig<typeof API_KEYS> {
  return loadConfig({ ...inputs, keys: API_KEYS, neighbours: WORKER_KEYS, check: checkExposure });
}

function checkExposure({ host, apiKey, insecure }: ApiConfig): string | undefined {
  if (isLoopback(host) || apiKey !== undefined || insecure) return undefined;
  return `Cannot listen on ${host}: no API key is set, so set GUESTKIT_API_KEY, or --insecure to serve everyone, or --host 127.0.0.1`;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
