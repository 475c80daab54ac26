import * as z from 'zod';

export const diagnosisSchema = z.object({
  check: z.string(),
  status: z.enum(['ok', 'warning', 'fault', 'unknown']).describe('unknown: it could not be looked at'),
  message: z.string(),
});

/** What one look at one part of the cluster came to. */
export type Diagnosis = z.infer<typeof diagnosisSchema>;
export type DiagnosisStatus = Diagnosis['status'];

/** A fault when the first is so, a warning when only the second is. */
export function statusOf(isFault: boolean, isWarning: boolean): DiagnosisStatus {
  if (isFault) return 'fault';
  return isWarning ? 'warning' : 'ok';
}
