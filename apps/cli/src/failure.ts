import { printable } from '@guestkit/operations/report/printable';
import { CommandError, type DiskErrorFacts, isConfigError, isDiskError } from './exit-code.ts';

/** Tells on stderr, in one line, why a command failed; where and how it came about only when asked. */
export function reportFailure(command: string, error: unknown, verbose: boolean): void {
  for (const line of linesOf(error)) process.stderr.write(`${command}: ${printable(line)}\n`);
  if (!verbose) return;
  for (const line of detailsOf(error)) process.stderr.write(`  ${line}\n`);
}

/** One line, but for a configuration with several mistakes. */
function linesOf(error: unknown): readonly string[] {
  if (error instanceof CommandError || isDiskError(error)) return [error.message];
  return isConfigError(error) ? error.message.split('\n') : [describeUnexpected(error)];
}

function describeUnexpected(error: unknown): string {
  return `Cannot finish: unexpected ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`;
}

function detailsOf(error: unknown): readonly string[] {
  const facts = isDiskError(error) ? placeOf(error) : [];
  const details = error instanceof CommandError && error.details !== undefined ? [JSON.stringify(error.details)] : [];
  const stack = error instanceof Error ? (error.stack?.split('\n').slice(1) ?? []).map((line) => line.trim()) : [];
  const cause = error instanceof Error && error.cause !== undefined ? [`caused by ${error.cause}`] : [];
  return [...facts, ...details, ...cause, ...stack].map(printable);
}

function placeOf({ kind, format, offset, path }: DiskErrorFacts): readonly string[] {
  return [
    `kind: ${kind}`,
    ...(format === undefined ? [] : [`format: ${format}`]),
    ...(offset === undefined ? [] : [`offset: 0x${offset.toString(16)}`]),
    ...(path === undefined ? [] : [`path: ${path}`]),
  ];
}
