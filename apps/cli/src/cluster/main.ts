import { runProgram } from '../program.ts';
import { createGuestkitWorker } from './guestkit-worker.ts';

process.exitCode = await runProgram(createGuestkitWorker(process.env), process.argv.slice(2));
