// What a process that reads images, and no files in them, loads of the engine: a third of its modules, and of the memory they take.

export { identifyVolume } from './filesystem/signature/identify.ts';
export { openImage } from './image/open.ts';
export { denyReferences } from './image/references.ts';
export { FileSource } from './source/file-source.ts';
export { readInOrder } from './source/read-in-order.ts';
export { WindowSource } from './source/window-source.ts';
export { readPartitionTable } from './volume/read-table.ts';
