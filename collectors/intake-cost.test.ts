import { beforeAll, describe, expect, test } from 'vitest'
import { spanRecord } from '../test/otlp-records.ts'
import { openIntake } from '../wire-intake.ts'
import { TEXT_LIMIT } from './otlp/values.ts'

const SPANS = 16
/** How much longer than ordinary text a text may take that was made to take long, and what else is allowed, in milliseconds. */
const TIMES = 10
const ALLOWANCE_MS = 100

const ORDINARY = 'The quick brown fox jumps over the lazy dog, and then it rests. '

/** 4 MiB in spans of one request: the largest text an attribute may hold, another one in each. */
function spans(attribute: string, text: (length: number) => string) {
  const whole = text(TEXT_LIMIT - 64)
  return Array.from({ length: SPANS }, (_, n) =>
    spanRecord({
      attributes: {
        'gen_ai.operation.name': attribute.startsWith('gen_ai.input') ? 'chat' : 'execute_tool',
        // What is masked is remembered, so no two are the same.
        [attribute]: /^[[{]/.test(whole) ? whole.replace(/("[\]}]+)$/, `${n}$1`) : `${n} ${whole}`,
      },
    }),
  )
}

/** The processor time that the real intake takes for them, in milliseconds. */
function costOf(records: ReturnType<typeof spans>): number {
  const { fragments } = openIntake({ publish: async () => {}, count: () => {}, retention: 'masked' })
  const before = process.cpuUsage()
  expect(fragments(records, 'acme', 0)).toHaveLength(SPANS)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

const repeated = (unit: string) => (length: number) => unit.repeat(Math.ceil(length / unit.length)).slice(0, length)

/** Arguments under one name, as JSON that is whole. */
const named = (name: string, text: (length: number) => string) => (length: number) => {
  const value = text(length)
  const written = JSON.stringify(value)
  return JSON.stringify({ [name]: value.slice(0, Math.floor((length * value.length) / written.length) - 64) })
}

/** The same in pieces of a length. */
const listed =
  (unit: string, piece: number, before = '') =>
  (length: number) => {
    const members: string[] = []
    const member = before + repeated(unit)(piece)
    for (let rest = length - 32; rest > 0; rest -= JSON.stringify(member).length + 1) {
      members.push(member)
    }
    return JSON.stringify({ x: members.slice(1) })
  }

describe('text that was made to take long takes little longer than other text:', () => {
  const ARGUMENTS = 'gen_ai.tool.call.arguments'
  const PROMPT = 'gen_ai.input.messages'
  /** What text may cost at most, in arguments and in prompts. */
  const limits = new Map<string, number>()
  const limitOf = (records: ReturnType<typeof spans>) => TIMES * costOf(records) + ALLOWANCE_MS

  beforeAll(() => {
    limits.set(ARGUMENTS, limitOf(spans(ARGUMENTS, repeated(ORDINARY))))
    limits.set(PROMPT, limitOf(spans(PROMPT, message(repeated(ORDINARY)))))
  })

  test.each<[string, (length: number) => string]>([
    ['lists that do not end', repeated('a=[')],
    ['lists of strings that do not end', repeated('a=["')],
    ['lists in parentheses', repeated('table=("a"')],
    ['tables that are none', listed(` from ${'a'.repeat(200)}!`, 4000, 'select x')],
    ['aliases that are none', listed(` from ${'a'.repeat(200)} ${'b'.repeat(63)}!`, 4000, 'select x')],
    ['hosts of buckets', listed(`https://aaa.s3${'-'.repeat(96)}.amazonaws,`, 4000)],
    ['slashes of a word of two lines', (length) => JSON.stringify({ command: `curl "${'/'.repeat(length - 99)}\nx"` })],
    ['substitutions in a command', named('command', (length) => `curl ${repeated('$()')(length - 5)}`)],
  ])('%s in arguments', (_what, text) => {
    expect(costOf(spans(ARGUMENTS, text))).toBeLessThan(limits.get(ARGUMENTS) as number)
  })

  test.each<[string, (length: number) => string]>([
    ['cookies without a value', repeated('cookie:')],
    ['private keys', repeated('-----BEGIN PRIVATE KEY----- -----END -----')],
    ['passwords behind much space', (length) => ' '.repeat(length / 2) + repeated('token="null",')(length / 2)],
  ])('%s in prompts', (_what, text) => {
    expect(costOf(spans(PROMPT, message(text)))).toBeLessThan(limits.get(PROMPT) as number)
  })
})

/** A prompt as messages hold it. */
const message = (text: (length: number) => string) => (length: number) =>
  JSON.stringify([{ role: 'user', parts: [{ type: 'text', content: text(Math.floor(length / 2)) }] }])
