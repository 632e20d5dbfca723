/** Names as lists compare them that restrict an agent: doubt speaks against it. */

/** In lower case and without what makes names differ to deceive alone: other forms of characters, invisible ones. */
export function foldName(name: string): string {
  return name
    .normalize('NFKC')
    .replaceAll(/\p{Cf}/gu, '')
    .toLowerCase()
}
