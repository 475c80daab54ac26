import { printable } from '@guestkit/operations/report/printable';
import { print } from '../output/print.ts';
import { ApiClient } from './api-client.ts';
import type { ClientOptions } from './guestkit-worker.ts';

export async function health(options: ClientOptions): Promise<void> {
  const answer = await new ApiClient(options).get<Readonly<Record<string, unknown>>>(
    'read the health',
    '/health/ready',
  );
  await print(options.output, answer, (document) => describe(options.url, document));
}

function describe(url: string, document: Readonly<Record<string, unknown>>): string {
  const rest = Object.entries(document).map(
    ([name, value]) => `  ${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return `${[url, ...rest].map(printable).join('\n')}\n`;
}
