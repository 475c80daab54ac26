import type { Volume } from './disk.ts';
import { openVolume } from './open-volume.ts';
import { MemorySource } from './source/memory-source.ts';
import type { LayerOutcome } from './volume/layer.ts';
import { VOLUME_LAYERS } from './volume/layers.ts';
import type { Unlocking } from './volume/unlocking.ts';

/** Layers on layers: an encrypted volume on a logical one on an array. More is nobody's disk. */
const DEEPEST_STACK = 8;

/** The volumes, and all those that lie within them, within those, and so on. */
export function openLayers(volumes: readonly Volume[], unlocking: Unlocking): readonly Volume[] {
  const asked = new Set<string>();
  let known = volumes;
  for (let depth = 0; depth < DEEPEST_STACK; depth++) {
    const next = openNextLayer(known, { unlocking, asked });
    const isComplete = next.length === known.length;
    known = next;
    if (isComplete) break;
  }
  return known;
}

interface Opening {
  readonly unlocking: Unlocking;
  /** Devices that were asked about, of layers that are asked about each but once. */
  readonly asked: Set<string>;
}

function openNextLayer(volumes: readonly Volume[], { unlocking, asked }: Opening): readonly Volume[] {
  const outcomes = VOLUME_LAYERS.flatMap((layer) => {
    const members = volumes.filter(
      ({ device, signature }) => signature?.type === layer.type && !(layer.isOfOne && asked.has(device)),
    );
    if (members.length === 0 || members.every((member) => isUsed(member, volumes))) return [];
    for (const { device } of members) asked.add(device);
    return layer.assemble(members, unlocking);
  });
  const devices = new Set(volumes.map(({ device }) => device));
  const found = outcomes.filter(({ device }) => !devices.has(device)).map(toVolume);
  return [...volumes.map((volume) => judge(volume, outcomes)), ...found];
}

function isUsed({ device }: Volume, volumes: readonly Volume[]): boolean {
  return volumes.some(({ members }) => members?.includes(device));
}

/** A member is open when something lies on it; otherwise its layer knows best why not. */
function judge(volume: Volume, outcomes: readonly LayerOutcome[]): Volume {
  const own = outcomes.find(({ device }) => device === volume.device);
  if (own !== undefined && 'error' in own) return { ...volume, error: own.error };
  const isOpen = outcomes.some((outcome) => 'source' in outcome && outcome.members.includes(volume.device));
  return isOpen ? { ...volume, error: undefined } : volume;
}

function toVolume(outcome: LayerOutcome): Volume {
  const { device, members } = outcome;
  if ('source' in outcome) return openVolume({ device, members, source: outcome.source, partition: undefined });
  const source = new MemorySource(new Uint8Array(0));
  const nothing = { partition: undefined, signature: undefined, fileSystem: undefined };
  return { device, members, source, ...nothing, error: outcome.error };
}
