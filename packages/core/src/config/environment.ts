import { type ConfigKeys, envOf } from './schema.ts';
import type { Environment, Setting, Settings } from './setting.ts';

/** What the environment sets. An empty variable counts as none: compose files write those. */
export function readEnvironment(env: Environment, keys: ConfigKeys): Settings {
  const found = Object.entries(keys).flatMap(([name, key]): [string, Setting][] => {
    const place = envOf(name, key);
    const value = env[place];
    return value ? [[name, { value, origin: { from: 'environment', place } }]] : [];
  });
  return new Map(found);
}
