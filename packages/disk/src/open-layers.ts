import type { Volume } from './disk.ts';
import { openVolume } from './open-volume.ts';
import { MemorySource } from './source/memory-source.ts';
import type { LayerOptions, LayerOutcome } from './volume/layer.ts';
import { VOLUME_LAYERS } from './volume/layers.ts';

/** Layers on layers: an encrypted volume on a logical one on an array. More is nobody's disk. */
const DEEPEST_STACK = 8;

/** The volumes, and all those that lie within them, within those, and so on. */
export function openLayers(volumes: readonly Volume[], options: LayerOptions): readonly Volume[] {
  let known = volumes;
  for (let depth = 0; depth < DEEPEST_STACK; depth++) {
    const next = openNextLayer(known, options);
    const isComplete = next.length === known.length;
    known = next;
    if (isComplete) break;
  }
  return known;
}

function openNextLayer(volumes: readonly Volume[], options: LayerOptions): readonly Volume[] {
  const outcomes = VOLUME_LAYERS.flatMap((layer) => {
    const members = volumes.filter(({ signature }) => signature?.type === layer.type);
    return members.length === 0 || members.every((member) => isUsed(member, volumes))
      ? []
      : layer.assemble(members, options);
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
