import path from 'node:path';
import { API_KEYS } from './api-keys.ts';
import { type ConfigInputs, type LoadedConfig, loadConfig } from './load.ts';
import { type RetrySettings, readRetrySettings } from './retry-setting.ts';
import type { ConfigOf } from './schema.ts';
import { WORKER_KEYS } from './worker-keys.ts';

type Raw = ConfigOf<typeof WORKER_KEYS>;

/** What a worker is told. Folders are absolute. */
export type WorkerConfig = Omit<Raw, 'labels' | 'retry'> & {
  readonly labels: Readonly<Record<string, string>>;
  readonly retry: RetrySettings;
};

/** Reads the configuration of a worker. @throws ConfigError naming every bad key and its place */
export function readWorkerConfig(inputs: ConfigInputs): WorkerConfig {
  const { values } = loadWorkerConfig(inputs);
  return Object.freeze({
    ...values,
    labels: Object.freeze(Object.fromEntries(values.labels.map(splitLabel))),
    retry: readRetrySettings(values.retry),
    imageRoots: absolute(values.imageRoots),
    outputRoots: absolute(values.outputRoots),
    stagingDir: path.resolve(values.stagingDir),
  });
}

/** The values as written, with the origin of each, for `config print`. */
export function loadWorkerConfig(inputs: ConfigInputs): LoadedConfig<typeof WORKER_KEYS> {
  return loadConfig({ ...inputs, keys: WORKER_KEYS, neighbours: API_KEYS });
}

function absolute(paths: readonly string[]): readonly string[] {
  return Object.freeze(paths.map((entry) => path.resolve(entry)));
}

function splitLabel(label: string): [string, string] {
  const at = label.indexOf('=');
  return [label.slice(0, at), label.slice(at + 1)];
}
