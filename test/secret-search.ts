/** Looks for texts where they must not be, in whatever form they may have survived there. */

/** Anything that may hold one: a file, what a topic holds, what an address answers. */
export interface Place {
  readonly name: string
  readonly bytes: Uint8Array
}

const ESCAPES = /\\+u([0-9a-f]{4})|%([0-9a-f]{2})|&#x([0-9a-f]{2,4});/gi
/** Escapes of escapes, as deep as anybody nests them. */
const ROUNDS = 4

/**
 * Which of the secrets are in which of the places, as `secret in place, form`: as it is; escaped as in JSON, URLs or
 * markup, all of it or some of its characters, also more than once; in hexadecimal; and in base64 of either alphabet,
 * wherever in the encoded text it begins. In any mix of cases, unless the secret is a mere word: then our own words
 * are the same in another.
 */
export function findSecrets(secrets: readonly string[], places: readonly Place[]): readonly string[] {
  return places.flatMap(({ name, bytes }) => {
    // One character for each byte, so that nothing is lost of what is not text.
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
    const unescaped = withoutEscapes(text)
    const lower = { text: text.toLowerCase(), unescaped: unescaped.toLowerCase() }
    return secrets.flatMap((secret) => {
      const inBytes = Buffer.from(secret)
      const isWord = /^[a-z]+$/i.test(secret)
      const plain = isWord ? secret : inBytes.toString('latin1').toLowerCase()
      const where = isWord ? { text, unescaped } : lower
      const forms = {
        'as it is': where.text.includes(plain),
        escaped: where.unescaped.includes(plain) && !where.text.includes(plain),
        hexadecimal: lower.text.includes(inBytes.toString('hex')),
        base64: base64Of(inBytes).some((form) => text.includes(form)),
      }
      return Object.entries(forms).flatMap(([form, isThere]) => (isThere ? [`${secret} in ${name}, ${form}`] : []))
    })
  })
}

function withoutEscapes(text: string): string {
  let current = text
  for (let round = 0; round < ROUNDS; round += 1) {
    current = current.replace(ESCAPES, (_escape, ...codes: (string | undefined)[]) => {
      return String.fromCharCode(
        Number.parseInt(codes.find((code) => typeof code === 'string') ?? '', 16),
      ).toLowerCase()
    })
  }
  // What is left of `\"` and `\/`.
  return current.replace(/\\+(["'/])/g, '$1')
}

/** The characters that are the same whatever surrounds the bytes, for each of the three places where they may begin. */
function base64Of(bytes: Buffer): readonly string[] {
  return [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    const own = text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6))
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')]
  })
}
