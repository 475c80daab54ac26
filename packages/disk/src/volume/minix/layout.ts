// Minix subpartitions: a table like that of an MBR, in the first sector of the partition that it divides

/** Of the partition in the MBR, and of each within it that is in use. */
export const MINIX_TYPE = '0x81';
export const MINIX_TYPE_BYTE = 0x81;
