import { entry, FatImage, FOLDER, longSlots } from './fat-image.ts';

/** A volume with files and folders, and where its structures are. */
export function sampleFat(bits: 12 | 16 | 32): {
  readonly bytes: Uint8Array;
  readonly hot: [start: number, end: number][];
} {
  const image = new FatImage(bits);
  const folder = (name: string, cluster: number) => entry({ name: name.padEnd(11), attributes: FOLDER, cluster });
  const inner = 'INNERF~1   ';
  image.fill('root', entry({ name: 'FILE    BIN', cluster: 20, size: 3000 }), folder('FOLDER', 8), folder('OTHER', 9));
  image.fill(
    8,
    folder('.', 8),
    folder('..', 0),
    ...longSlots('inner file with a long name', inner),
    entry({ name: inner, cluster: 40, size: 700 }),
    folder('INNER', 10),
  );
  image.chain(20, 21, 22, 25, 24, 23);
  image.chain(40, 42);
  for (const cluster of [8, 9, 10]) image.chain(cluster);
  const table: [number, number] = [image.tableOffset, image.tableOffset + Math.ceil((45 * bits) / 8)];
  return {
    bytes: image.bytes,
    hot: [
      [11, 50],
      table,
      table,
      [image.rootOffset, image.rootOffset + 96],
      [image.offsetOf(8), image.offsetOf(8) + 224],
    ],
  };
}
