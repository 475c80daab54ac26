/** What is compared of a name in a folder that tells upper and lower case apart. */
export function sameName(name: string): string {
  return name;
}

/** What is compared in a folder that does not: decomposed, with full case folding, without what is not seen. */
export function foldName(name: string): string {
  const visible = name.normalize('NFD').replace(/\p{Default_Ignorable_Code_Point}/gu, '');
  // there and back makes both forms of a letter one; to lower case alone a sigma depends on its place
  return visible.toUpperCase().toLowerCase().replaceAll('ς', 'σ').normalize('NFD');
}
