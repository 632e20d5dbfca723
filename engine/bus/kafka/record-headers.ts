/** Headers of records: names and values beside key and value. */
import { Cursor } from './cursor.ts'

/** Headers for `BatchFacts.headers`. Few and short: names under 64 bytes, values under 64. */
export function encodeHeaders(headers: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const parts = Object.entries(headers).flatMap(([name, value]) => {
    const bytes = Buffer.from(name)
    return [Uint8Array.of(bytes.length * 2), bytes, Uint8Array.of(value.length * 2), value]
  })
  return Buffer.concat([Uint8Array.of(Object.keys(headers).length * 2), ...parts])
}

/** The headers of a record; later ones of a name win. Empty when they are damaged. */
export function decodeHeaders(headers: Uint8Array | undefined): ReadonlyMap<string, Uint8Array> {
  const found = new Map<string, Uint8Array>()
  if (headers === undefined) {
    return found
  }
  const cursor = new Cursor(headers, 0, headers.length)
  const count = cursor.varint()
  for (let index = 0; index < count && !cursor.isDamaged; index += 1) {
    const name = cursor.bytes()
    const value = cursor.bytes()
    if (!cursor.isDamaged && name !== undefined && value !== undefined) {
      found.set(Buffer.from(name.buffer, name.byteOffset, name.length).toString(), value)
    }
  }
  return found
}
