/** Where evidence comes from: two opinions about one text are one piece of evidence. */
import { idOf } from '../../schema/ids.ts'

/** Names the text that a content finding was drawn from (`FindingDraft.origin`): equal for equal texts, wherever they were. */
export function originOf(text: string): string {
  return idOf('text', text)
}
