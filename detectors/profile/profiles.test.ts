import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { layoutOf } from './layout.ts'
import { NO_RECORD, openProfiles, type Profiles, type ProfilesOptions, SMALL_EVENTS } from './profiles.ts'
import { HEADER, identitiesOf, type Records } from './records.ts'

const calls = { name: 'count', version: 1, bytes: 8 }
const small = layoutOf(
  [
    ['header', HEADER],
    ['calls', calls],
  ],
  512,
)
const full = layoutOf(
  [
    ['header', HEADER],
    ['tools', calls],
    ['calls', calls],
  ],
  4096,
)

describe('touch', () => {
  it('gives an agent one record, counts its events, and finds it again', () => {
    const profiles = open()
    expect(profiles.find('a')).toBe(NO_RECORD)
    const record = profiles.touch('a')
    expect(profiles.touch('b')).not.toBe(record)
    expect(profiles.touch('a')).toBe(record)
    expect(profiles.find('a')).toBe(record)
    expect(profiles.eventsOf(record)).toBe(2)
    expect(profiles.count).toBe(2)
  })

  it('makes a small record full with the event after fifty, and carries over what both have', () => {
    const profiles = open()
    visit(profiles, 'a', SMALL_EVENTS)
    expect(profiles.tierOf(profiles.find('a'))).toBe('small')
    visit(profiles, 'a', 1)
    expect(profiles.tierOf(profiles.find('a'))).toBe('full')
    expect(profiles.eventsOf(profiles.find('a'))).toBe(SMALL_EVENTS + 1)
    expect(countsOf(profiles, 'a')).toEqual({ calls: SMALL_EVENTS + 1, tools: 1 })
    expect(profiles.count).toBe(1)
  })

  it('stops counting events where a word ends', () => {
    const profiles = open()
    const record = profiles.touch('a')
    profiles.memory(record).u32[profiles.offset(record) / 4 + 2] = 0xffffffff
    expect(profiles.eventsOf(profiles.touch('a'))).toBe(0xffffffff)
  })
})

describe('records that leave', () => {
  it('are those used least recently, of their size', () => {
    const gone: Records[] = []
    const profiles = open({ leave: (records) => gone.push(records) })
    visit(profiles, 'old', SMALL_EVENTS + 1)
    for (const key of ['a', 'b', 'c', 'a']) {
      visit(profiles, key, 1)
    }
    // Looking is no use.
    profiles.find('b')
    // However many agents somebody invents, those long known stay.
    for (const key of ['d', 'e', 'f']) {
      visit(profiles, key, 1)
    }
    expect(gone.flatMap(identitiesOf)).toEqual(['b', 'c', 'a'].map(profiles.identityOf))
    expect(profiles.find('b')).toBe(NO_RECORD)
    expect(profiles.tierOf(profiles.find('old'))).toBe('full')
    expect(profiles.count).toBe(4)
  })

  it('come back as they left, and nothing is ever lost', () => {
    fc.assert(
      fc.property(someVisits, (visits) => {
        const world = worldOf()
        for (const [key, times] of visits) {
          world.visit(key, times)
        }
        expect(world.seen()).toEqual(totalsOf(visits))
      }),
      { numRuns: 30 },
    )
  })

  it('are the same, in the same order, for the same calls', () => {
    fc.assert(
      fc.property(someVisits, (visits) => {
        const [one, other] = [0, 1].map(() => {
          const world = worldOf()
          for (const [key, times] of visits) {
            world.visit(key, times)
          }
          return { left: world.left, kept: [...world.profiles.changes()] }
        })
        expect(one).toEqual(other)
      }),
      { numRuns: 30 },
    )
  })
})

describe('changes', () => {
  it('are the records of the moment, although events go on, and bring a restarted program to that moment', () => {
    fc.assert(
      fc.property(
        someVisits,
        someVisits,
        someVisits,
        fc.integer({ min: 1, max: 60 }),
        (first, before, during, bytes) => {
          const world = worldOf()
          const visitAll = (visits: Visits) => {
            for (const [key, times] of visits) {
              world.visit(key, times)
            }
          }
          visitAll(first)
          world.keep(world.profiles.changes())
          visitAll(before)
          const checkpoint = world.profiles.changes(bytes)[Symbol.iterator]()
          const durable = new Map(world.kept)
          for (const one of [...during, undefined]) {
            visitAll(one === undefined ? [] : [one])
            for (let slice = checkpoint.next(); slice.done !== true; slice = checkpoint.next()) {
              keepIn(durable, slice.value)
              if (one !== undefined) {
                break
              }
            }
          }
          const restarted = worldOf()
          restarted.keep(durable.values())
          expect(restarted.seen()).toEqual(totalsOf([...first, ...before]))
        },
      ),
      { numRuns: 30 },
    )
  })

  it('hold no record twice, and none that nobody touched', () => {
    const profiles = open()
    visit(profiles, 'a', 1)
    visit(profiles, 'b', 1)
    expect([...profiles.changes()].flatMap(identitiesOf)).toEqual(['a', 'b'].map(profiles.identityOf))
    visit(profiles, 'b', 1)
    expect([...profiles.changes()].flatMap(identitiesOf)).toEqual([profiles.identityOf('b')])
    expect([...profiles.changes()]).toEqual([])
  })

  it('are all there in slices no longer than asked', () => {
    const profiles = open({ smallRecords: 20 })
    for (let agent = 0; agent < 20; agent += 1) {
      visit(profiles, `agent-${agent}`, 1)
    }
    const slices = [...profiles.changes(3 * small.bytes + 1)]
    expect(slices.map(({ bytes }) => bytes.length / small.bytes)).toEqual([3, 3, 3, 3, 3, 3, 2])
    expect(new Set(slices.flatMap(identitiesOf)).size).toBe(20)
  })
})

describe('restore', () => {
  it('takes in the records of another layout, and what it no longer knows begins anew', () => {
    const records = recordsOf(openWith(SMALL_EVENTS + 7))
    const other = layoutOf(
      [
        ['header', HEADER],
        ['spare', calls],
        ['calls', { ...calls, version: 2 }],
        ['tools', calls],
      ],
      99,
    )
    const profiles = open({ full: other })
    profiles.restore(records)
    const record = profiles.find('a')
    const { u32 } = profiles.memory(record)
    const at = profiles.offset(record)
    expect(profiles.eventsOf(record)).toBe(SMALL_EVENTS + 7)
    expect(u32[(at + other.offsets.tools) / 4]).toBe(7)
    expect(u32[(at + other.offsets.calls) / 4]).toBe(0)
    expect(u32[(at + other.offsets.spare) / 4]).toBe(0)
  })

  it('puts a record in the place of the one in memory, of whichever size', () => {
    const records = recordsOf(openWith(SMALL_EVENTS + 7))
    const profiles = openWith(3)
    profiles.restore(records)
    expect(profiles.count).toBe(1)
    expect(countsOf(profiles, 'a')).toEqual({ calls: SMALL_EVENTS + 7, tools: 7 })
    // What was just read is kept already.
    expect([...profiles.changes()]).toEqual([])
  })

  it('refuses what is no record', () => {
    const records = recordsOf(openWith(3))
    const profiles = open()
    const withoutHeader = { ...records, description: records.description.replace('@1:12', '@2:12') }
    expect(() => profiles.restore(withoutHeader)).toThrow('without the header')
    expect(() => profiles.restore({ ...records, bytes: records.bytes.subarray(1) })).toThrow('whole number')
    expect(profiles.count).toBe(0)
  })
})

describe('openProfiles', () => {
  it('refuses records without a header, and numbers of records that cannot be', () => {
    const late = layoutOf(
      [
        ['calls', calls],
        ['header', HEADER],
      ],
      99,
    )
    expect(() => open({ small: late })).toThrow('small record')
    for (const fullRecords of [0, 1.5, Number.NaN, 2 ** 30]) {
      expect(() => open({ fullRecords })).toThrow('full records')
    }
  })
})

type Visits = readonly (readonly [key: string, times: number])[]

// Few enough to fit, and enough of them to need every place; and often enough to become full.
const someVisits: fc.Arbitrary<Visits> = fc.array(
  fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), fc.constantFrom(1, 2, 30, 49, 51)),
  { maxLength: 24 },
)

function open(options: Partial<ProfilesOptions> = {}): Profiles {
  return openProfiles({
    small,
    full,
    smallRecords: 3,
    fullRecords: 2,
    secret: [1, 2],
    leave: () => undefined,
    ...options,
  })
}

function openWith(events: number): Profiles {
  const profiles = open()
  visit(profiles, 'a', events)
  return profiles
}

function recordsOf(profiles: Profiles): Records {
  const [records] = profiles.changes()
  return records as Records
}

/** What stands for statistics: one counts all events, the other only those that a full record saw. */
function visit(profiles: Profiles, key: string, times: number): void {
  for (let time = 0; time < times; time += 1) {
    const record = profiles.touch(key)
    const { u32 } = profiles.memory(record)
    const isFull = profiles.tierOf(record) === 'full'
    const at = profiles.offset(record)
    for (const offset of isFull ? [full.offsets.calls, full.offsets.tools] : [small.offsets.calls]) {
      u32[(at + offset) / 4] = (u32[(at + offset) / 4] ?? 0) + 1
    }
  }
}

function countsOf(profiles: Profiles, key: string): { readonly calls: number; readonly tools: number } {
  const record = profiles.find(key)
  const { u32 } = profiles.memory(record)
  const at = profiles.offset(record)
  const isFull = profiles.tierOf(record) === 'full'
  return {
    calls: u32[(at + (isFull ? full : small).offsets.calls) / 4] ?? 0,
    tools: isFull ? (u32[(at + full.offsets.tools) / 4] ?? 0) : 0,
  }
}

/** Profiles with a place where records that leave are kept, and looked for when their agent is seen again. */
function worldOf() {
  const kept = new Map<string, Records>()
  const left: Records[] = []
  const profiles = open({
    leave: (records) => {
      left.push(records)
      keepIn(kept, records)
    },
  })
  function bring(key: string): boolean {
    const records = kept.get(profiles.identityOf(key))
    if (profiles.find(key) === NO_RECORD && records !== undefined) {
      profiles.restore(records)
    }
    return profiles.find(key) !== NO_RECORD
  }
  return {
    profiles,
    kept,
    left,
    keep: (all: Iterable<Records>) => {
      for (const records of all) {
        keepIn(kept, records)
      }
    },
    visit: (key: string, times: number) => {
      bring(key)
      visit(profiles, key, times)
    },
    // One after the other: bringing one back may make another leave.
    seen: () =>
      Object.fromEntries(
        ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].flatMap((key) => (bring(key) ? [[key, countsOf(profiles, key)]] : [])),
      ),
  }
}

function keepIn(kept: Map<string, Records>, records: Records): void {
  for (const [at, identity] of identitiesOf(records).entries()) {
    const start = at * records.recordBytes
    kept.set(identity, { ...records, bytes: records.bytes.slice(start, start + records.recordBytes) })
  }
}

function totalsOf(visits: Visits) {
  const totals: Record<string, { calls: number; tools: number }> = {}
  for (const [key, times] of visits) {
    const calls = (totals[key]?.calls ?? 0) + times
    totals[key] = { calls, tools: Math.max(0, calls - SMALL_EVENTS) }
  }
  return totals
}
