import { fileURLToPath } from 'node:url';
import { CommandError } from '../exit-code.ts';
import type { Environment, ServiceName } from './guestkit-worker.ts';

/** The programs that are services; they are run, never imported. */
export const SERVICE_FILES: Readonly<Record<ServiceName, string>> = {
  api: fileURLToPath(new URL('../../../api/src/main.ts', import.meta.url)),
  worker: fileURLToPath(new URL('../../../worker/src/main.ts', import.meta.url)),
};

/** Replaces this process by a service, so that signals and exit codes are its own. */
export function becomeService(name: ServiceName, flags: readonly string[], env: Environment): never {
  if (process.execve === undefined) {
    throw new CommandError('unsupported', `Cannot run the ${name} on ${process.platform}: it needs Linux or macOS`);
  }
  return process.execve(process.execPath, [process.execPath, SERVICE_FILES[name], ...flags], { ...env });
}
