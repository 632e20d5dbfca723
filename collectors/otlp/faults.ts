/** What can be wrong with bytes while they are decoded. Never leaves the decoder: see `decodeOtlp`. */

/** The bytes are not what they should be. Whoever reads a list of records catches it and loses only one. */
export class Malformed extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'Malformed'
  }
}

/** A record that can be read and still cannot be accepted. `reason` is kebab-case. */
export class InvalidRecord extends Error {
  readonly reason: string

  constructor(reason: string) {
    super(reason)
    this.name = 'InvalidRecord'
    this.reason = reason
  }
}
