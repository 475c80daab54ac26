import { loadApiConfig } from '@guestkit/core/config/api-config';
import { migrateHistory } from '@guestkit/core/history/open-history';
import { renderTable } from '@guestkit/operations/report/table';
import { print } from '../output/print.ts';
import type { Environment, MigrateOptions } from './guestkit-worker.ts';

interface Step {
  readonly migration: string;
  readonly status: 'applied' | 'pending' | 'of a newer guestkit';
}

/** Works on the database itself: no API node need run, and none should that is older. */
export async function migrate(
  flags: readonly string[],
  { output, status }: MigrateOptions,
  env: Environment,
): Promise<void> {
  const { values } = loadApiConfig({ argv: flags, env });
  const { applied, pending, unknown } = await migrateHistory(values, { isDryRun: status === true });
  const steps: readonly Step[] = [
    ...applied.map((migration) => ({ migration, status: 'applied' as const })),
    ...pending.map((migration) => ({ migration, status: 'pending' as const })),
    ...unknown.map((migration) => ({ migration, status: 'of a newer guestkit' as const })),
  ];
  await print(output, steps, render);
}

function render(steps: readonly Step[]): string {
  return renderTable<Step>(
    [
      { title: 'MIGRATION', cell: (step) => step.migration },
      { title: 'STATUS', cell: (step) => step.status },
    ],
    steps,
  );
}
