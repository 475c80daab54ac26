import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { EXIT_CODES, exitCodeOf } from './exit-code.ts';
import { reportFailure } from './failure.ts';
import { OUTPUT_FORMATS } from './output/print.ts';

/** A command line whose mistakes end in one line and the exit code for usage. */
export function createProgram(name: string, description: string): Command {
  const outputError = (text: string, write: (line: string) => void) => {
    const reason = text
      .trim()
      .replace(/^error: /, '')
      .replaceAll('\n', ' ');
    write(`${name}: Cannot read the command line: ${reason} (${name} --help shows how)\n`);
  };
  return new Command(name)
    .description(description)
    .version(manifest.version)
    .exitOverride()
    .configureOutput({ outputError })
    .helpCommand(false);
}

export function outputOption(): Option {
  return new Option('-o, --output <format>', 'how to print the answer').choices(OUTPUT_FORMATS).default('table');
}

/** Runs a command line and returns the exit code; failures are told on stderr. */
export async function runProgram(program: Command, args: readonly string[]): Promise<number> {
  quietBrokenPipe();
  try {
    await program.parseAsync(args, { from: 'user' });
    return EXIT_CODES.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.ok : EXIT_CODES.usage;
    reportFailure(program.name(), error, args.includes('--verbose'));
    return exitCodeOf(error);
  }
}

/** Parses an option that counts something. */
export function wholeNumber(minimum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= minimum) return value;
    throw new InvalidArgumentError(`expected a whole number of at least ${minimum}.`);
  };
}

/** Parses an option that may be given more than once. */
export function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

/** A reader that has seen enough (`| head`) is no failure. */
function quietBrokenPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(EXIT_CODES.ok);
  });
}
