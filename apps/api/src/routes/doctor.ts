import { DISAGREEMENTS, type DisagreementKind } from '@guestkit/core/history/reconcile/disagreement';
import * as z from 'zod';
import { sendData } from '../answer.ts';
import type { ApiParts } from '../api-parts.ts';
import { diagnosisSchema } from '../doctor/diagnosis.ts';
import { diagnose } from '../doctor/doctor.ts';
import { reach } from '../reach.ts';
import { dataAnswer, type Route } from './route.ts';

const REPAIR_TIMEOUT_MS = 120_000;

const healthSchema = z.object({
  healthy: z.boolean().describe('Whether no check found a fault, and each could be made'),
  checked_at: z.string(),
  diagnoses: z.array(diagnosisSchema),
});

const kinds = Object.keys(DISAGREEMENTS) as [DisagreementKind, ...DisagreementKind[]];
const repairedSchema = z.object({
  repaired: z.array(z.object({ kind: z.enum(kinds), pool: z.string(), job_id: z.string() })),
  total: z.int(),
});

/** GET /api/v1/doctor */
export function showHealth({ doctor, clock }: ApiParts): Route {
  return {
    method: 'get',
    path: '/api/v1/doctor',
    id: 'diagnose',
    summary: 'What is wrong with any part of the cluster, and where history and queue disagree',
    answers: { 200: dataAnswer('What was found', healthSchema) },
    async handle(_request, response) {
      const diagnoses = await diagnose(doctor);
      const healthy = diagnoses.every(({ status }) => status === 'ok' || status === 'warning');
      sendData(response, 200, { healthy, checked_at: new Date(clock()).toISOString(), diagnoses });
    },
  };
}

/** POST /api/v1/doctor/repair */
export function repairNow({ reconciler }: ApiParts): Route {
  return {
    method: 'post',
    path: '/api/v1/doctor/repair',
    id: 'repair',
    summary: 'Compares history with the queue now, and repairs where they disagree',
    description: 'The leading node does so by itself again and again.',
    answers: { 200: dataAnswer('What was repaired', repairedSchema) },
    problems: ['unavailable'],
    async handle(_request, response) {
      const disagreements = await reach('history and queue', () => reconciler.repair(), REPAIR_TIMEOUT_MS);
      const repaired = disagreements.map(({ kind, pool, job_id }) => ({ kind, pool, job_id }));
      sendData(response, 200, { repaired, total: repaired.length });
    },
  };
}
