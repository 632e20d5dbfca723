/** Reads gzip JSON lines that lie outside the repository. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** The rows of one file, in its order. Throws when the file is absent. */
export function readGzipLines<Row>(file: string): Row[] {
  return gunzipSync(readFileSync(file))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row)
}
