import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Lets psql do it: COPY and anonymous blocks go past our own layer. */
export async function sql(url: string, command: string): Promise<void> {
  await run('psql', ['--no-psqlrc', '--quiet', '--set', 'ON_ERROR_STOP=1', '--command', command, url]);
}
