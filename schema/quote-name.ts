/**
 * Names that agents choose (tools, agents, hosts) made fit for a title: short, quoted, plain printable ASCII.
 *
 * A name is shown to people and carried through chat, mail, SIEM and terminals, so whatever could be markup, a
 * format string, a direction override or a look-alike letter is written as `\u{...}`. Two different names stay
 * different unless they are cut. The exact name belongs in evidence, under an `untrusted_*` key.
 */

/** The longest text between the quotes, in characters; longer names end in `...`. */
export const QUOTED_NAME_LIMIT = 60

const PLAIN = /^[A-Za-z0-9 _.:/-]$/
const CUT = '...'

/** `crm.read` gives `'crm.read'`. Called for every name that goes into a title, reason, cause or `allow_with`. */
export function quoteName(name: string): string {
  let quoted = ''
  let beforeCut = ''
  let previous = ''
  for (const character of name) {
    // A doubled slash would turn a name into a link wherever links are made from plain text.
    const plain = PLAIN.test(character) && !(character === '/' && previous === '/')
    const next = plain ? character : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
    if (quoted.length + next.length > QUOTED_NAME_LIMIT) {
      return `'${beforeCut}${CUT}'`
    }
    quoted += next
    previous = character
    if (quoted.length <= QUOTED_NAME_LIMIT - CUT.length) {
      beforeCut = quoted
    }
  }
  return `'${quoted}'`
}
