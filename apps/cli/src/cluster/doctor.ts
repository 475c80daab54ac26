import { printable } from '@guestkit/operations/report/printable';
import { renderTable } from '@guestkit/operations/report/table';
import { CommandError } from '../exit-code.ts';
import { print } from '../output/print.ts';
import { ApiClient } from './api-client.ts';
import type { ClientOptions } from './guestkit-worker.ts';

export interface DoctorOptions extends ClientOptions {
  readonly repair?: true;
}

interface Diagnosis {
  readonly check: string;
  readonly status: string;
  readonly message: string;
}

interface Repair {
  readonly kind: string;
  readonly pool: string;
  readonly job_id: string;
}

interface Findings {
  readonly healthy: boolean;
  readonly diagnoses: readonly Diagnosis[];
  readonly repaired?: readonly Repair[];
}

export async function doctor({ repair, ...options }: DoctorOptions): Promise<void> {
  const client = new ApiClient(options);
  const repaired = repair && (await client.post<Findings>('repair', '/api/v1/doctor/repair', '')).repaired;
  const found = await client.get<Findings>('examine the cluster', '/api/v1/doctor');
  await print(options.output, { ...found, ...(repaired && { repaired }) }, render);
  if (!found.healthy) throw new CommandError('unhealthy', 'Cannot call the cluster healthy: see the faults above');
}

function render({ diagnoses, repaired }: Findings): string {
  const table = renderTable<Diagnosis>(
    [
      { title: 'CHECK', cell: ({ check }) => check },
      { title: 'STATUS', cell: ({ status }) => status },
      { title: '', cell: ({ message }) => message },
    ],
    diagnoses,
  );
  if (repaired === undefined) return table;
  const lines = repaired.map(({ kind, job_id }) => printable(`repaired ${job_id}: ${kind}`));
  return `${[...lines, `repaired ${repaired.length} in all`].join('\n')}\n\n${table}`;
}
