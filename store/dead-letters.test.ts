import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DeadLetter } from '../schema/dead-letter.ts'
import { Rejected } from '../schema/errors.ts'
import { idOf } from '../schema/ids.ts'
import { hasChdb } from './chdb/installed.contract.ts'
import { openStore } from './clickhouse.ts'
import type { Store } from './store.ts'

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value))
const START_MS = 1_790_000_000_000

let batches = 0
const batchId = () => `00000000-0000-7000-8000-${String(++batches).padStart(12, '0')}`

describe.skipIf(!hasChdb)('dead letters in the store (needs the optional package chdb)', { timeout: 60_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'telltale-dead-letters-'))
  let store: Store
  beforeAll(async () => {
    store = await openStore({ embedded: { directory } })
    expect(await insert(letters)).toEqual([])
  })
  afterAll(async () => {
    await store.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const insert = (rows: readonly object[]) =>
    store.insert({ batchId: batchId(), table: 'dead_letters', rows: rows.map(bytes) })

  // Several at the same millisecond, of two tenants and of nobody.
  const TENANTS = ['tenant-0', 'tenant-1', '']
  const letters = Array.from({ length: 36 }, (_, index): DeadLetter => {
    const tenant_id = TENANTS[(index >> 1) % 3] as string
    const of = { letter_id: idOf('letter', index), tenant_id, key: `${tenant_id}\u001fk` }
    const common = { ...of, time_ms: START_MS + (index >> 4), value_base64: '/wB7' }
    return index % 3 === 0
      ? { ...common, stage: 'deliver', reason: 'http-410', detail: '410', sink: 'siem', attempts: 3, alert_id: 'a' }
      : { ...common, stage: 'write', reason: 'unstorable', topic: 'events', partition: 1, offset: index }
  })
  const newestFirst = [...letters].sort((a, b) => b.time_ms - a.time_ms || (a.letter_id < b.letter_id ? 1 : -1))
  const own = newestFirst.filter(({ tenant_id }) => tenant_id === 'tenant-0')
  const OWN = { tenant: 'tenant-0', ofNobody: false }

  it.each([
    ['tenant-0', false, ['tenant-0']],
    ['tenant-1', false, ['tenant-1']],
    ['tenant-1', true, ['tenant-1', '']],
    ['stranger', false, []],
    ['stranger', true, ['']],
  ])(
    'are given back to %s (of nobody: %s) as they were, newest first, page by page: those of %j',
    async (tenant, ofNobody, of) => {
      const found: DeadLetter[] = []
      let cursor: string | undefined
      do {
        const page = await store.deadLetters({
          tenant,
          ofNobody,
          limit: 5,
          ...(cursor === undefined ? {} : { cursor }),
        })
        found.push(...page.items)
        cursor = page.next
      } while (cursor !== undefined)
      expect(found).toEqual(newestFirst.filter(({ tenant_id }) => of.includes(tenant_id)))
    },
  )

  it('are found by stage, sink, reason and time', async () => {
    const expected = (matches: (letter: DeadLetter) => boolean) => ({ items: own.filter(matches) })
    expect(await store.deadLetters({ ...OWN, stage: 'write' })).toEqual(expected(({ stage }) => stage === 'write'))
    expect(await store.deadLetters({ ...OWN, sink: 'siem' })).toEqual(expected(({ sink }) => sink === 'siem'))
    expect(await store.deadLetters({ ...OWN, reason: 'http-410' })).toEqual(
      expected(({ reason }) => reason === 'http-410'),
    )
    expect(await store.deadLetters({ ...OWN, sink: 'siem', reason: 'unstorable' })).toEqual({ items: [] })
    expect(await store.deadLetters({ ...OWN, fromMs: START_MS + 1, toMs: START_MS + 2 })).toEqual(
      expected(({ time_ms }) => time_ms === START_MS + 1),
    )
  })

  it('are one each, however often and whenever they were written', async () => {
    const [letter] = letters as [DeadLetter]
    await insert([{ ...letter, time_ms: letter.time_ms + 5000 }])
    await insert([letter, letter])
    await insert([letter])
    expect((await store.deadLetters(OWN)).items).toEqual(own)
  })

  it('may hold whatever hostile text: it stands in no statement and stops no batch', async () => {
    const hostile: DeadLetter = {
      letter_id: idOf('hostile'),
      tenant_id: "' OR '' = '",
      time_ms: 9e15,
      stage: "'; DROP TABLE dead_letters; --",
      reason: '{v1:String} \u0000 \\',
      detail: '</script> \u202e 😀',
      sink: '\u2028'.repeat(1000),
      key: '',
      value_base64: Buffer.alloc(300_000, 0xff).toString('base64'),
    }
    expect(await insert([hostile])).toEqual([])
    const { stage, reason } = hostile
    const asked = { tenant: hostile.tenant_id, ofNobody: false, stage }
    expect(await store.deadLetters({ ...asked, reason })).toEqual({ items: [hostile] })
    const lone = { ...hostile, letter_id: idOf('lone'), detail: 'lone \ud800' }
    expect(await insert([lone])).toEqual([])
    expect((await store.deadLetters(asked)).items).toContainEqual({ ...lone, detail: 'lone \ufffd' })
  })

  it('have cursors of their own for each tenant, and pages of at most 1,000', async () => {
    const { next } = await store.deadLetters({ ...OWN, limit: 1 })
    expect(next).toBeDefined()
    await expect(store.events({ tenant: OWN.tenant, cursor: next as string })).rejects.toThrow(Rejected)
    const another = { ...OWN, tenant: 'tenant-1', cursor: next as string }
    await expect(store.deadLetters(another)).rejects.toThrow(Rejected)
    await expect(store.deadLetters({ ...OWN, cursor: 'abc' })).rejects.toThrow(Rejected)
    await expect(store.deadLetters({ ...OWN, limit: 1001 })).rejects.toThrow(Rejected)
  })

  it('are refused when they are none', async () => {
    expect(await insert([{ reason: 'x' }])).toEqual([{ index: 0, reason: 'unstorable' }])
  })
})
