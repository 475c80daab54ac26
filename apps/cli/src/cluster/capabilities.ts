import { printable } from '@guestkit/operations/report/printable';
import { print } from '../output/print.ts';
import { ApiClient } from './api-client.ts';
import type { ClientOptions } from './guestkit-worker.ts';

interface Capabilities {
  readonly operations: readonly string[];
  readonly features: readonly string[];
  readonly disk_formats: readonly string[];
  readonly max_concurrent_jobs: number;
}

export async function capabilities(options: ClientOptions): Promise<void> {
  const answer = await new ApiClient(options).get<Capabilities>('read the capabilities', '/api/v1/capabilities');
  await print(options.output, answer, render);
}

function render({ operations, features, disk_formats, max_concurrent_jobs }: Capabilities): string {
  const lines = [
    `operations:    ${operations.join(', ') || 'none'}`,
    `features:      ${features.join(', ') || 'none'}`,
    `disk formats:  ${disk_formats.join(', ') || 'none'}`,
    `jobs at once:  ${max_concurrent_jobs}`,
  ];
  return `${lines.map(printable).join('\n')}\n`;
}
