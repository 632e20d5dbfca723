/** Lines of a stream as bytes, each with a bound: what is not a line of text must not be read into memory whole. */

/** Bytes of one line; requests that doors take are a quarter of it. */
export const LINE_LIMIT = 64 * 1024 * 1024

const LINE_FEED = 0x0a

/**
 * Every line without its line feed, `undefined` in place of one that is too long. What follows the last line feed is
 * a line when there is any. Rejects when the stream does, after the lines that were whole.
 */
export async function* linesOf(input: AsyncIterable<Buffer>, limit = LINE_LIMIT): AsyncGenerator<Buffer | undefined> {
  let pieces: Buffer[] = []
  let bytes = 0
  const taken = (last: Buffer): Buffer | undefined => {
    const line = bytes + last.length > limit ? undefined : pieces.length === 0 ? last : Buffer.concat([...pieces, last])
    pieces = []
    bytes = 0
    return line
  }
  for await (const chunk of input) {
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      yield taken(chunk.subarray(start, end))
      start = end + 1
    }
    const rest = chunk.subarray(start)
    bytes += rest.length
    if (bytes > limit) {
      // Its length is all that is still of interest.
      pieces = []
    } else if (rest.length > 0) {
      pieces.push(rest)
    }
  }
  if (bytes > 0) {
    yield taken(Buffer.alloc(0))
  }
}
