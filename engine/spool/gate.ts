/**
 * Holds appends back for the moment in which the last of the log is drained: steady clients would keep it from ever being
 * empty. Never for longer than the limit, and never more than the bytes it was given.
 */
export interface GateOptions {
  /** Opens by itself after this, in milliseconds. */
  readonly limitMs: number
  /** Opens when more than this would wait. */
  readonly maxBytes: number
}

export class Gate {
  readonly #options: GateOptions
  #waitingBytes = 0
  #opened: Promise<void> | undefined
  #release = (): void => undefined

  constructor(options: GateOptions) {
    this.#options = options
  }

  /** Does nothing when it is closed already, so that whoever waits has waited at most the limit. */
  close(): void {
    if (this.#opened !== undefined) {
      return
    }
    const timer = setTimeout(() => this.open(), this.#options.limitMs)
    this.#opened = new Promise((resolve) => {
      this.#release = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Lets everybody go on, in the order in which they came. */
  open(): void {
    this.#opened = undefined
    this.#release()
  }

  /** Resolves when the gate is open; `undefined` when it is open now. */
  pass(bytes: number): Promise<void> | undefined {
    const opened = this.#opened
    if (opened === undefined) {
      return undefined
    }
    this.#waitingBytes += bytes
    const passed = opened.then(() => {
      this.#waitingBytes -= bytes
    })
    if (this.#waitingBytes > this.#options.maxBytes) {
      this.open()
    }
    return passed
  }
}
