import { runProgram } from '../program.ts';
import { createGuestctl } from './guestctl.ts';

process.exitCode = await runProgram(createGuestctl(), process.argv.slice(2));
