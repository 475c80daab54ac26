import { claimsFormat } from '@guestkit/disk/claim';
import { CommandError } from './exit-code.ts';

export interface FormatOptions {
  readonly format?: string;
  readonly allowFormatOverride?: true;
}

/** @throws CommandError `usage` when the format may be overridden, but is not declared */
export function checkFormatOverride({ format, allowFormatOverride }: FormatOptions): void {
  if (!allowFormatOverride || claimsFormat(format)) return;
  throw new CommandError('usage', 'Cannot override the format: --format does not say what the image is to be read as');
}
