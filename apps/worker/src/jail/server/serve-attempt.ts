import type { Progress } from '@guestkit/operations/operation';
import type { OfferedImage } from '../start-order.ts';
import type { ChecksumOutcome, Ending, ImageRules, JailReport, JailTask } from '../task.ts';
import { usageOf, usageSince } from '../usage.ts';
import { parseChecksum, sha256Of } from './checksum.ts';
import { ImageDesk } from './image-desk.ts';
import type { JailProcess } from './jail-process.ts';
import { Refusal, refusalOf } from './refusal.ts';
import { converse, deathOf } from './session.ts';

export interface AttemptService {
  readonly jail: JailProcess;
  readonly rules: ImageRules;
  readonly task: JailTask;
  readonly onProgress: (step: Progress) => void;
}

/** Opens and checks the images, lets the jail work on them, measures it and ends it. */
export async function serveAttempt(service: AttemptService): Promise<JailReport> {
  const { jail, rules } = service;
  const before = usageOf(jail.pid);
  using desk = new ImageDesk(rules);
  const checksums: ChecksumOutcome[] = [];
  const ending = await serve(service, desk, checksums).catch((error) => endingOf(error, jail));
  const usage = usageSince(before, usageOf(jail.pid));
  jail.kill();
  return { ending, usage, imageBytesRead: desk.bytesRead, checksums, files: desk.stamps };
}

async function serve(service: AttemptService, desk: ImageDesk, checksums: ChecksumOutcome[]): Promise<Ending> {
  const { jail, task, onProgress } = service;
  if (task.images.length > 0) onProgress({ phase: 'validation', percent: 5, message: 'Opening the image' });
  const images = task.images.map((request) => desk.openImage(request));
  for (const image of images) await verifyChecksum(service, desk, image, checksums);
  const ending = await converse({ jail, desk, task, images, onProgress });
  // a wrong answer and a strange error alike may come from a file that was being written
  desk.assertUnchanged();
  return ending;
}

async function verifyChecksum(
  { jail, onProgress }: AttemptService,
  desk: ImageDesk,
  { source, sizeBytes, request }: OfferedImage,
  outcomes: ChecksumOutcome[],
): Promise<void> {
  if (request.checksum === undefined) return void outcomes.push('skipped');
  const expected = parseChecksum(request.checksum);
  onProgress({ phase: 'validation', percent: 10, message: 'Checking the SHA-256 of the image' });
  const file = { sizeBytes, readInto: (buffer: Buffer, offset: number) => desk.readInto(source, buffer, offset) };
  const actual = await sha256Of(file, jail.gone);
  outcomes.push(actual === expected ? 'success' : 'failure');
  if (actual === expected) return;
  throw new Refusal('IMAGE_CHECKSUM_MISMATCH', `Image checksum mismatch: expected ${expected}, got ${actual}`);
}

async function endingOf(error: unknown, jail: JailProcess): Promise<Ending> {
  if (jail.gone.aborted) return deathOf(await jail.exited);
  const { code, message } = refusalOf(error);
  return { kind: 'refused', code, message };
}
