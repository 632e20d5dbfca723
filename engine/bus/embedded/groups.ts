/** Where every consumer group stands in every partition, in memory and as persisted. */
import type { PartitionLag } from '../bus.ts'
import { groupKey, placeKey } from './keys.ts'
import type { PartitionLog } from './partition-log.ts'
import type { Entry, Storage } from './storage.ts'

/** One group's standing in one partition. */
export interface Place {
  readonly group: string
  readonly log: PartitionLog
  /** Prefix of its keys. */
  readonly key: Buffer
  /** The offset of the first record not yet committed. */
  committed: number
  epoch: number
  /** When the group last owned it or committed here. Groups unseen for long are forgotten. */
  seenMs: number
  /** Whether somebody consumes it now. */
  owned: boolean
  /** The offset of the first record that its present owner has not read yet. */
  read: number
}

export class Groups {
  readonly #ids = new Map<string, number>()
  readonly #places = new Map<PartitionLog, Map<string, Place>>()

  /** Reads what the store knows. `logs` are all partitions there are. */
  static load(storage: Storage, logs: readonly PartitionLog[]): Groups {
    const groups = new Groups()
    const prefix = groupKey('')
    for (const { key, value } of storage.meta.getRange({ start: prefix, end: Buffer.from('h') })) {
      groups.#ids.set(key.subarray(prefix.length).toString(), value.readUInt32BE(0))
    }
    for (const [group, id] of groups.#ids) {
      for (const log of logs) {
        const key = placeKey(id, log.topic, log.partition)
        const value = storage.places.get(key)
        if (value !== undefined) {
          groups.#add({ group, log, key, ...decodePlace(value), owned: false, read: 0 })
        }
      }
    }
    return groups
  }

  /** The group's place in the partition. A group that is new there begins at `start`. */
  place(group: string, log: PartitionLog, start: number): Place {
    const known = this.#places.get(log)?.get(group)
    if (known !== undefined) {
      return known
    }
    const id = this.#ids.get(group) ?? Math.max(0, ...this.#ids.values()) + 1
    this.#ids.set(group, id)
    const key = placeKey(id, log.topic, log.partition)
    const place = { group, log, key, committed: start, epoch: 0, seenMs: 0, owned: false, read: start }
    this.#add(place)
    return place
  }

  /** What persists the place as it is, and the number that stands for its group in keys. */
  entries(place: Place): readonly Entry[] {
    const number = place.key.subarray(0, 4)
    return [{ database: 'meta', key: groupKey(place.group), value: number }, placeEntry(place, place)]
  }

  /** The lowest committed offset of all groups known in the partition; its end when there are none. */
  floor(log: PartitionLog): number {
    let floor = log.extent.end
    for (const { committed } of this.#places.get(log)?.values() ?? []) {
      floor = Math.min(floor, committed)
    }
    return floor
  }

  /** The lowest offset that a present owner will read next; the end when there are none. */
  readFloor(log: PartitionLog): number {
    let floor = log.extent.end
    for (const { owned, read } of this.#places.get(log)?.values() ?? []) {
      floor = owned ? Math.min(floor, read) : floor
    }
    return floor
  }

  /** Places that nobody has owned since `beforeMs`. */
  unseenSince(beforeMs: number): readonly Place[] {
    return [...this.#all()].filter((place) => !place.owned && place.seenMs < beforeMs)
  }

  forget(place: Place): void {
    this.#places.get(place.log)?.delete(place.group)
  }

  lag(): readonly PartitionLag[] {
    return [...this.#all()].map(({ group, log, committed }) => {
      const { topic, partition } = log
      return { group, topic, partition, committed, end: log.extent.end }
    })
  }

  *#all(): Iterable<Place> {
    for (const places of this.#places.values()) {
      yield* places.values()
    }
  }

  #add(place: Place): void {
    const places = this.#places.get(place.log) ?? new Map<string, Place>()
    places.set(place.group, place)
    this.#places.set(place.log, places)
  }
}

export function placeEntry(place: Place, next: Pick<Place, 'committed' | 'epoch' | 'seenMs'>): Entry {
  const value = Buffer.allocUnsafe(24)
  value.writeDoubleLE(next.committed, 0)
  value.writeDoubleLE(next.epoch, 8)
  value.writeDoubleLE(next.seenMs, 16)
  return { database: 'places', key: place.key, value }
}

function decodePlace(value: Buffer): Pick<Place, 'committed' | 'epoch' | 'seenMs'> {
  return { committed: value.readDoubleLE(0), epoch: value.readDoubleLE(8), seenMs: value.readDoubleLE(16) }
}
