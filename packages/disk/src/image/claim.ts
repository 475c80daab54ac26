/** An extension that files of every format carry: it claims nothing. */
export const FORMAT_NOT_CLAIMED = 'img';

/** Whether what is said of a format says anything. */
export function claimsFormat(format: string | undefined): format is string {
  return format !== undefined && format.toLowerCase() !== FORMAT_NOT_CLAIMED;
}
