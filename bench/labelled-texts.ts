/** Reads labelled texts (gzip JSON lines) that lie outside the repository. */
import { readGzipLines } from './gzip-lines.ts'

export interface LabelledText {
  readonly id: string
  readonly source: string
  readonly label: string
  readonly text: string
  readonly lang?: string
  readonly category?: string
  readonly defense_pre?: string
}

/** The rows of one file, in its order. Throws when the file is absent. */
export function readLabelledTexts(file: string): LabelledText[] {
  return readGzipLines<LabelledText>(file)
}
