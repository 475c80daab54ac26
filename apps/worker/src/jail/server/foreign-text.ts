import { printable } from '@guestkit/operations/report/printable';

/** Text from a jail, which may quote its image: short, and without what could steer a terminal or a reader of logs. */
export function cleanText(text: string, maxCharacters = 2000): string {
  return printable(text.slice(0, maxCharacters));
}
