// The least that takes a job over HTTP: express, zod, add. No authentication, no SQL, no log.
import { Queue } from 'bullmq';
import express from 'express';
import { Redis } from 'ioredis';
import * as z from 'zod';

const jobSchema = z.object({
  operation: z.string(),
  metadata: z.object({ labels: z.record(z.string(), z.string()) }).optional(),
  payload: z.object({ data: z.unknown() }),
});
const queue = new Queue('raw', { connection: new Redis(process.env.BENCH_REDIS ?? ''), prefix: 'bench' });
const app = express();
app.use(express.json());
app.post('/jobs', async (request, response) => {
  const parsed = jobSchema.safeParse(request.body);
  if (!parsed.success) return void response.status(400).json({ error: 'VALIDATION_ERROR' });
  const { id } = await queue.add(parsed.data.operation, parsed.data);
  response.status(202).json({ success: true, data: { job_id: id, status: 'submitted' } });
});
const server = app.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object') process.send?.({ url: `http://127.0.0.1:${address?.port}` });
});
// connections wait while it is the turn of others
server.keepAliveTimeout = 600_000;
process.once('SIGTERM', () => process.exit(0));
// the bench is gone
process.once('disconnect', () => process.exit(0));
