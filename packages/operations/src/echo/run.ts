import type { Runner } from '../operation.ts';

export interface EchoResult {
  readonly echo: unknown;
  readonly message: string;
}

export const runEcho: Runner = (payload, context): EchoResult => {
  context.progress({ phase: 'starting', percent: 0, message: 'Starting echo' });
  context.progress({ phase: 'processing', percent: 50, message: 'Processing echo' });
  context.progress({ phase: 'completing', percent: 100, message: 'Echo complete' });
  return { echo: payload, message: 'Echo completed' };
};
