/**
 * How many bytes of requests are being read or processed, over all doors that share it. This, and not the number
 * of requests, is what keeps memory bounded when more comes in than can be processed.
 */
export class InFlight {
  /** Bytes. */
  readonly limit: number
  private readonly isBehind: () => boolean
  private held = 0

  /** @param isBehind whether so much waits behind the doors that nothing more may come in. */
  constructor(limit: number, isBehind: () => boolean = () => false) {
    this.limit = limit
    this.isBehind = isBehind
  }

  get bytes(): number {
    return this.held
  }

  /**
   * Whether that many more bytes would fit now, beside the `own` bytes of who asks. A request that is alone always
   * fits, else a large one could be refused for ever. Asking reserves nothing, so a promise costs nobody a place.
   */
  fits(bytes: number, own = 0): boolean {
    return this.held === own || this.held + bytes <= this.limit
  }

  /** Whether a request of that many bytes may come in. Asked once, before it is read. */
  admits(bytes: number): boolean {
    return !this.isBehind() && this.fits(bytes)
  }

  /** Opens an account for one request. */
  claim(): Claim {
    let claimed = 0
    return {
      add: (bytes) => {
        if (!this.fits(bytes, claimed)) {
          return false
        }
        this.held += bytes
        claimed += bytes
        return true
      },
      release: () => {
        this.held -= claimed
        claimed = 0
      },
    }
  }
}

/** What one request holds. */
export interface Claim {
  /** Takes bytes that have arrived, or that they became; false when they do not fit: refuse the request. */
  add(bytes: number): boolean
  /** Gives everything back. */
  release(): void
}
