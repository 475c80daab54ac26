import { inBackground } from '../coordination/background.ts';
import type { EventStream } from '../coordination/event-stream.ts';
import type { JobEvent } from '../job/event.ts';
import type { JobHistory } from './job-history.ts';

export interface RecorderOptions {
  readonly stream: EventStream;
  readonly history: JobHistory;
  /** Names this recorder among all; the same name again takes up what it had left. */
  readonly consumer: string;
  readonly batchSize?: number;
  /** Told of events after they are durable. */
  readonly onRecorded?: (events: readonly JobEvent[]) => void;
  readonly onError: (error: Error) => void;
}

/** Events in one transaction: a commit waits for the disk, and each statement is planned anew. */
const BATCH_SIZE = 2_000;

/** Moves events from the stream into history until it is disposed of; any number of recorders may share the work. */
export function startRecorder(options: RecorderOptions): AsyncDisposable {
  const { stream, history, consumer, batchSize = BATCH_SIZE, onRecorded, onError } = options;
  const record = async (events: readonly JobEvent[]) => {
    await history.record(events);
    onRecorded?.(events);
  };
  return inBackground((signal) => stream.consume({ consumer, batchSize, record, onError }, signal).catch(onError));
}
