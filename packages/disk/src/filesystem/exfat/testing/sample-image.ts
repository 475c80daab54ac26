import { CLUSTER, ExfatImage, entrySet, FOLDER, ROOT_CLUSTER } from './exfat-image.ts';

/** A volume with files and folders, fragmented ones and rows. */
export function sampleExfat(): ExfatImage {
  const image = new ExfatImage();
  image.chain(20, 21, 25, 24);
  image.chain(8);
  image.chain(9);
  image.take(40, 41, 42, 44);
  image.fill(
    ROOT_CLUSTER,
    entrySet({ name: 'file', cluster: 20, size: 4000 }),
    entrySet({ name: 'a row of clusters', cluster: 40, size: 3000, isRow: true }),
    entrySet({ name: 'folder', attributes: FOLDER, cluster: 8, size: CLUSTER }),
  );
  image.fill(
    8,
    entrySet({ name: 'inner', attributes: FOLDER, cluster: 9, size: CLUSTER, isRow: true }),
    entrySet({ name: 'second', cluster: 44, size: 10, validSize: 5, isRow: true }),
  );
  return image;
}
