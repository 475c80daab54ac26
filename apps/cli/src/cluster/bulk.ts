import { renderTable } from '@guestkit/operations/report/table';
import { print } from '../output/print.ts';
import { ApiClient } from './api-client.ts';
import { type BulkOperation, bulkPath, describeBulkOperation, fetchBulkOperation } from './bulk-operation.ts';
import type { ClientOptions } from './guestkit-worker.ts';

interface BulkList {
  readonly operations: readonly BulkOperation[];
}

export async function listBulk(options: ClientOptions & { readonly limit: number }): Promise<void> {
  const { limit } = options;
  const list = await new ApiClient(options).get<BulkList>('list operations', '/api/v1/bulk', { limit });
  await print(options.output, list, render);
}

export async function showBulk(id: string, options: ClientOptions): Promise<void> {
  await print(options.output, await fetchBulkOperation(new ApiClient(options), id), describeBulkOperation);
}

export async function stopBulk(id: string, options: ClientOptions): Promise<void> {
  const stopped = await new ApiClient(options).post<BulkOperation>(
    `stop operation "${id}"`,
    bulkPath(id, '/stop'),
    '{}',
  );
  await print(options.output, stopped, describeBulkOperation);
}

function render({ operations }: BulkList): string {
  if (operations.length === 0) return 'No operations\n';
  return renderTable<BulkOperation>(
    [
      { title: 'OPERATION', cell: (operation) => operation.bulk_id },
      { title: 'VERB', cell: (operation) => operation.verb },
      { title: 'STATE', cell: (operation) => operation.state },
      { title: 'JOBS', align: 'right', cell: (operation) => operation.matched },
      { title: 'CHANGED', align: 'right', cell: (operation) => operation.changed },
      { title: 'SKIPPED', align: 'right', cell: (operation) => operation.skipped },
      { title: 'FAILED', align: 'right', cell: (operation) => operation.failed },
      { title: 'ASKED', cell: (operation) => operation.created_at },
      { title: 'BY', cell: (operation) => operation.requested_by },
    ],
    operations,
  );
}
