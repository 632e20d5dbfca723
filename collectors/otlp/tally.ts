/** What one request lost while it was decoded: records rejected, parts cut or repaired. */
import type { DecodeLimits } from './limits.ts'
import type { AttributeValue } from './records.ts'

/** What may be cut or repaired, with the sentence the sender reads after the number. */
const CUTS = {
  attributes: 'attributes beyond the limit for one record were dropped',
  keys: 'attributes without a key, or with one that is too long, were dropped',
  values: 'values beyond the limit for one request were dropped',
  texts: 'values were too long and were cut',
  depth: 'values were nested too deeply and were unset',
  events: 'span events beyond the limit were dropped',
  types: 'fields held a value of the wrong type and were unset',
  utf8: 'texts were not valid UTF-8 and were repaired',
  times: 'times were out of range and were unset',
} as const
export type Cut = keyof typeof CUTS

/** What a record and a value take on the heap at least, in bytes: measured with empty ones. */
const RECORD_HEAP_BYTES = 400
const VALUE_HEAP_BYTES = 60

/** Counts what is lost in one request, and says what still fits. Both decoders decide through it, so they agree. */
export class Tally {
  readonly limits: DecodeLimits
  /** Attributes lost or cut so far: the difference over a record is what that record lost. */
  cutAttributes = 0
  private records = 0
  private valuesLeft: number
  private readonly reasons = new Map<string, number>()
  private readonly cuts = new Map<Cut, number>()

  constructor(limits: DecodeLimits) {
    this.limits = limits
    this.valuesLeft = limits.values
  }

  /** Counts a record that was there but cannot be accepted. */
  reject(reason: string): void {
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1)
  }

  /** Whether one more record fits; when not, it is rejected here. */
  admitsRecord(): boolean {
    if (this.records >= this.limits.records) {
      this.reject('too-many-records')
      return false
    }
    this.records++
    return true
  }

  /** Counts a part of a record that was cut or repaired. */
  cut(what: Cut): void {
    this.cuts.set(what, (this.cuts.get(what) ?? 0) + 1)
  }

  /** Whether an attribute of this key may be put in the map. A key that is already there may be set again. */
  admitsAttribute(map: ReadonlyMap<string, AttributeValue>, key: string, keyBytes: number): boolean {
    if (keyBytes === 0 || keyBytes > this.limits.keyBytes) {
      return this.dropAttribute('keys')
    }
    if (map.size >= this.limits.attributes && !map.has(key)) {
      return this.dropAttribute('attributes')
    }
    return this.admitsValue()
  }

  /** Whether one more entry of a map inside a value fits. */
  admitsEntry(keyBytes: number): boolean {
    return keyBytes === 0 || keyBytes > this.limits.keyBytes ? this.dropAttribute('keys') : this.admitsValue()
  }

  /** Whether one more value (attribute, list item, event) fits into the request. */
  admitsValue(): boolean {
    if (this.valuesLeft <= 0) {
      return this.dropAttribute('values')
    }
    this.valuesLeft--
    return true
  }

  /** Counts a text that was cut. */
  cutText(): void {
    this.cutAttributes++
    this.cut('texts')
  }

  /** What the decoded records take on the heap, not counting their texts, which are as long as the body. */
  heapBytes(): number {
    return this.records * RECORD_HEAP_BYTES + (this.limits.values - this.valuesLeft) * VALUE_HEAP_BYTES
  }

  rejected(): { reason: string; records: number }[] {
    return [...this.reasons].map(([reason, records]) => ({ reason, records }))
  }

  warnings(): string[] {
    return [...this.cuts].map(([what, times]) => `${times} ${CUTS[what]}`)
  }

  private dropAttribute(what: Cut): false {
    this.cutAttributes++
    this.cut(what)
    return false
  }
}
