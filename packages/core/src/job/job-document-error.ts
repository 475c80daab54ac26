/**
 * Why a text is not an acceptable job. *shape*: it is not a job document; *validation*: it is one, but breaks a rule of the protocol
 * (over HTTP the message then starts with `Job validation failed: `).
 */
export class JobDocumentError extends Error {
  override readonly name = 'JobDocumentError';
  readonly stage: 'shape' | 'validation';
  readonly code: 'BAD_REQUEST' | 'VALIDATION_ERROR';
  /** Dotted path of the member at fault, where there is one. */
  readonly field: string | undefined;

  constructor(stage: 'shape' | 'validation', message: string, options: { field?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.stage = stage;
    this.code = stage === 'shape' ? 'BAD_REQUEST' : 'VALIDATION_ERROR';
    this.field = options.field;
  }
}
