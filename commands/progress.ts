/** Progress of long work, on stderr: one line rewritten in a terminal, a line every few seconds elsewhere. */
import { clearLine, cursorTo } from 'node:readline'

export interface Progress {
  /** Cheap: most calls do nothing. */
  update(text: string): void
  /** Leaves the line of a terminal free for what comes next. */
  end(): void
}

const TERMINAL_EVERY_MS = 100
const PLAIN_EVERY_MS = 5000

export function progress(stream: NodeJS.WriteStream = process.stderr): Progress {
  const everyMs = stream.isTTY ? TERMINAL_EVERY_MS : PLAIN_EVERY_MS
  let lastMs = Date.now()
  return {
    update: (text) => {
      const nowMs = Date.now()
      if (nowMs - lastMs < everyMs) {
        return
      }
      lastMs = nowMs
      if (stream.isTTY) {
        cursorTo(stream, 0)
        clearLine(stream, 0)
        stream.write(text)
      } else {
        stream.write(`${text}\n`)
      }
    },
    end: () => {
      if (stream.isTTY) {
        cursorTo(stream, 0)
        clearLine(stream, 0)
      }
    },
  }
}
