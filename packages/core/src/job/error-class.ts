interface ClassMeaning {
  /** Whether an attempt that failed so is followed by another: `yes`; only where `retry_on` names the class: `asked`; or `never`. */
  readonly retry: 'yes' | 'asked' | 'never';
  readonly meaning: string;
}

/** What errors have in common for the question whether to try again; docs/retries.md shows the same table. */
export const ERROR_CLASSES = {
  io: { retry: 'yes', meaning: 'The storage failed while the image was read' },
  unreachable: { retry: 'yes', meaning: 'The storage of the image does not answer' },
  'image-changed': { retry: 'yes', meaning: 'The image was written to meanwhile' },
  'image-locked': { retry: 'yes', meaning: 'Somebody else has the image to themselves' },
  'no-space': { retry: 'yes', meaning: 'There was no space for the result or for scratch files' },
  output: { retry: 'yes', meaning: 'The result could not be written' },
  crash: { retry: 'yes', meaning: 'The process of the attempt, or a tool that it uses, crashed' },
  'worker-lost': { retry: 'yes', meaning: 'The worker vanished; counted apart, see `maxLostAttempts`' },
  timeout: { retry: 'yes', meaning: 'The attempt ran for too long' },
  'heartbeat-lost': { retry: 'yes', meaning: 'The attempt gave no sign of life' },
  'no-progress': { retry: 'yes', meaning: 'The attempt told no progress' },
  unknown: { retry: 'yes', meaning: 'No other class fits: a bug may be a race' },
  'out-of-memory': { retry: 'asked', meaning: 'The attempt needed more memory than it may have' },
  'not-found': { retry: 'asked', meaning: 'The image, or what is looked for in it, is not there (yet)' },
  mismatch: { retry: 'asked', meaning: 'The image is not the one that the document describes' },
  denied: { retry: 'asked', meaning: 'The worker may not open a path or reference' },
  corrupt: { retry: 'never', meaning: 'The image contradicts its own format' },
  unsupported: { retry: 'never', meaning: 'The image needs what this version cannot do' },
  encrypted: { retry: 'never', meaning: 'The image cannot be read without a key' },
  invalid: { retry: 'never', meaning: 'The document is not acceptable' },
  'too-large': { retry: 'never', meaning: 'The result, or what must be fetched for it, is larger than allowed' },
  hostile: { retry: 'never', meaning: 'The image may have taken over the process that read it' },
  'wait-timeout': { retry: 'never', meaning: 'No worker took the job in time' },
  deadline: { retry: 'never', meaning: 'The deadline of the job passed' },
  cancelled: { retry: 'never', meaning: 'Somebody asked for the end of the job' },
} as const satisfies Readonly<Record<string, ClassMeaning>>;

export type ErrorClass = keyof typeof ERROR_CLASSES;

export function isErrorClass(name: string): name is ErrorClass {
  return Object.hasOwn(ERROR_CLASSES, name);
}

/** Whether an error of the class is worth another attempt; some never are, whatever a job asks for. */
export function isRetried(errorClass: ErrorClass, retryOn: readonly string[] | undefined): boolean {
  const { retry } = ERROR_CLASSES[errorClass];
  return retry !== 'never' && (retryOn === undefined ? retry === 'yes' : retryOn.includes(errorClass));
}
