import { loadApiConfig } from '@guestkit/core/config/api-config';
import type { LoadedConfig } from '@guestkit/core/config/load';
import { describeConfig, renderConfig } from '@guestkit/core/config/print';
import { loadWorkerConfig } from '@guestkit/core/config/worker-config';
import { CommandError } from '../exit-code.ts';
import { print } from '../output/print.ts';
import type { ConfigOptions, Environment } from './guestkit-worker.ts';

/** The service may be left out: then the flags begin at once, and they are a worker's. */
export async function printConfig(
  [service, ...flags]: readonly [string, ...string[]],
  { output }: ConfigOptions,
  env: Environment,
): Promise<void> {
  const loaded = service.startsWith('-') ? load('worker', [service, ...flags], env) : load(service, flags, env);
  await print(output, describeConfig(loaded), () => renderConfig(loaded));
}

function load(service: string, argv: readonly string[], env: Environment): LoadedConfig {
  if (service === 'api') return loadApiConfig({ argv, env });
  if (service === 'worker') return loadWorkerConfig({ argv, env });
  throw new CommandError('usage', `Cannot print the configuration of "${service}": expected api or worker`);
}
