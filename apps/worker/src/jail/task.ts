import type { ErrorCode } from '@guestkit/core/job/error-code';
import type { RemoteUsage } from '@guestkit/core/remote/meter';
import type { RemoteSettings } from '@guestkit/core/remote/open-remote';
import type { ReferencePolicy } from '@guestkit/core/security/reference-policy';
import type { ImageRequest, OutputRequest, Progress } from '@guestkit/operations/operation';
import type { JailCommand } from './command.ts';
import type { ErrorFacts } from './error-facts.ts';
import type { Usage } from './usage.ts';

/** One attempt's work for a jail. */
export interface JailTask {
  readonly operation: string;
  readonly payload: unknown;
  readonly images: readonly ImageRequest[];
  /** Where to write the document of the result. */
  readonly output?: OutputRequest | undefined;
  /** The job, whatever the attempt: what an earlier one left half written is removed. */
  readonly writer?: string;
  /** Which attempt writes, as files may be named. */
  readonly attempt?: string;
  /** Of an earlier run: the result of this one, if the images are as they were. */
  readonly known?: KnownResult | undefined;
}

export interface KnownResult extends Pick<TaskInputs, 'references' | 'files'> {
  readonly value: unknown;
}

/** What a result was read from. */
export interface TaskInputs {
  /** What the images named, in the order of opening. */
  readonly references: readonly NamedReference[];
  /** Path and stamp of every file, the images first. */
  readonly files: readonly string[];
  /** When the youngest of them was last changed. */
  readonly changedAtMs: number;
  readonly openedAtMs: number;
}

export interface NamedReference {
  readonly image: number;
  readonly name: string;
  readonly from: number;
}

/** How an attempt in a jail ended, before anyone decides what that means for the job. */
export type Ending =
  | { readonly kind: 'result'; readonly value: unknown }
  /** The operation threw. */
  | { readonly kind: 'error'; readonly facts: ErrorFacts }
  /** The supervisor refused an image, or found it changed. */
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string }
  /** The process ended without an answer. */
  | { readonly kind: 'died'; readonly reason: string; readonly outOfMemory: boolean; readonly stderr?: string }
  /** It said what no jail of ours says. */
  | { readonly kind: 'abuse'; readonly message: string }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'heartbeat-lost' | 'no-progress'; readonly seconds: number }
  /** A newer attempt of the job has begun, so that this one may not publish. */
  | { readonly kind: 'overtaken' }
  /** The job has ended already. */
  | { readonly kind: 'closed' }
  /** The caller's signal fired. */
  | { readonly kind: 'stopped' };

export interface JailReport {
  readonly ending: Ending;
  readonly usage: Usage | undefined;
  readonly imageBytesRead: number;
  /** What was fetched from servers, where an image is remote. */
  readonly fetched?: RemoteUsage | undefined;
  readonly checksums: readonly ChecksumOutcome[];
  readonly output?: WrittenOutput | undefined;
  readonly inputs?: TaskInputs;
  /** The result is the known one. */
  readonly isKnown?: boolean;
}

export interface WrittenOutput {
  /** As the client named it. */
  readonly destination: string;
  readonly sizeBytes: number;
}

/** The report of an attempt that no jail served to its end. */
export function emptyReport(ending: Ending): JailReport {
  return { ending, usage: undefined, imageBytesRead: 0, checksums: [] };
}

export type ChecksumOutcome = 'success' | 'failure' | 'skipped';

export interface SeatSettings extends ImageRules, OutputRules {
  /** Grows with every sign of life of an attempt; read by the main loop, which a busy thread cannot tell anything. */
  readonly pulse: Int32Array<SharedArrayBuffer>;
  readonly command: JailCommand;
  readonly memoryMb: number;
  readonly maxResultBytes: number;
  /** `undefined` where no image is to be unpacked. */
  readonly staging: StagingRules | undefined;
}

/** The operator's word on which images may be read. */
export interface ImageRules {
  readonly imageRoots: readonly string[];
  readonly references: ReferencePolicy;
  /** The largest file to read; 0 for no bound. */
  readonly maxDiskSizeGb: number;
  /** What may be read from servers; nothing where not given. */
  readonly remote?: RemoteSettings | undefined;
}

/** Where images that are compressed are unpacked. */
export interface StagingRules {
  readonly folder: string;
  /** What may be stored there of one image. */
  readonly limitBytes: number;
}

export interface OutputRules {
  readonly outputRoots: readonly string[];
}

/** From the main loop to the thread of a seat. */
export type SeatOrder =
  | { readonly type: 'run'; readonly task: JailTask }
  /** Answers `may-publish`. */
  | { readonly type: 'publish'; readonly granted: boolean };

export interface Readiness {
  /** From the start of the process; absent for one that was ready before. */
  readonly startMs?: number;
  /** Whether the kernel took the limits of the process; the permission model stands in any case. */
  readonly sealed: boolean;
}

/** From the thread of a seat to the main loop. */
export type SeatNews =
  | ({ readonly type: 'ready'; readonly pid: number } & Readiness)
  /** No jail could be started; the thread tries again. */
  | { readonly type: 'broken'; readonly message: string }
  | { readonly type: 'progress'; readonly step: Progress }
  /** The output is written, and would be given its name now. */
  | { readonly type: 'may-publish' }
  | { readonly type: 'ended'; readonly report: JailReport };
