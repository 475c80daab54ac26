import { shownAddress } from '@guestkit/core/remote/address';
import { FORMAT_NOT_CLAIMED } from '@guestkit/disk/claim';
import type { InspectOptions } from '@guestkit/guest';
import { renderInspectReport } from '@guestkit/operations/inspect/report';
import { type InspectResult, runInspect } from '@guestkit/operations/inspect/run';
import { print } from '../output/print.ts';
import type { InspectCommandOptions } from './guestctl.ts';
import { readPassphrases, withImageFile } from './open-image.ts';

/** The operation that workers run, in this process. */
export async function inspect(image: string, options: InspectCommandOptions): Promise<void> {
  await withImageFile(image, options, async ({ source, references, claimedFormat }) => {
    const { disk, snapshot, allowFormatOverride } = options;
    const claim = { format: claimedFormat ?? FORMAT_NOT_CLAIMED, ...(allowFormatOverride && { allowFormatOverride }) };
    const request = { path: shownAddress(image), ...claim };
    const choice = { disk, snapshot, passphrases: readPassphrases(options) };
    const opened = { request, source, openReference: references.open, choice };
    const payload = { image: request, options: toInspectOptions(options) };
    const result = runInspect(payload, { images: [opened], progress: () => undefined }) as InspectResult;
    await print(options.output, result.inspect, renderInspectReport);
  });
}

function toInspectOptions(options: InspectCommandOptions): InspectOptions {
  return {
    include_packages: options.packages,
    include_services: options.services,
    include_users: options.users,
    include_network: options.network,
    include_security: options.security,
    include_storage: options.storage,
    deep_scan: false,
    include_databases: false,
  };
}
