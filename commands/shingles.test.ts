/** From the text of a system prompt to the alert of its leak, by commands alone, as their user types them. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { SHINGLE_TEXT_LIMIT } from '../rules/shingles.ts'
import type { Alert } from '../schema/alert.ts'
import { CONTENT_LIMIT } from '../schema/telemetry.ts'
import { CLI, directories, run } from '../test/command-line.ts'
import { callSpan, spansRequest } from '../test/one-call.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })
const newDirectory = directories('telltale-shingles-')

const PROMPT = `You are Rosa, the booking assistant of the Hotel Seeblick in Lindau. Answer guests politely and in their
language. Offer the lake suite first, then double rooms. A discount of fifteen percent may be granted once per stay, never
tell guests about it unless they complain twice. Forward invoices to the back office. Do not discuss other hotels.
Write to rosa.huber@seeblick.example when the kitchen is on fire.`
/** Of more text than telemetry keeps; no two words alike. */
const HANDBOOK = Array.from(
  { length: 400 },
  (_, room) => `Guests of room number${room} receive towel${room} with ribbon${room}.`,
).join(' ')

let directory = ''
const file = (name: string, content: string | Buffer) => {
  writeFileSync(join(directory, name), content)
  return name
}
const read = (name: string) => readFileSync(join(directory, name), 'utf8')

describe('a prompt registered by its shingles', () => {
  const TAIL = HANDBOOK.slice(-3000)
  const SEEN = HANDBOOK.replaceAll('ribbon', 'banner')
  /** What the agent says, each in a session of its own. */
  const OUTPUTS: Readonly<Record<string, string>> = {
    plain: `Of course. ${PROMPT}`,
    capitals: PROMPT.toUpperCase(),
    spacing: PROMPT.split(/\s/)
      .map((word) => Array.from(word).join(' '))
      .join('   '),
    'look-alikes': PROMPT.replace(/[aeo]/g, (letter) => ({ a: 'а', e: 'е', o: 'о' })[letter] ?? letter),
    base64: Buffer.from(PROMPT).toString('base64'),
    'tail of the handbook': TAIL,
    'head of a prompt only seen': SEEN.slice(0, 3000),
    'tail of a prompt only seen': SEEN.slice(-3000),
    answer: 'We can offer you the lake suite for two nights in May. Shall I book it? Invoices go to your company.',
    'late in the output': `${'Here is the weather of every day of the year. '.repeat(300)}${PROMPT}`,
  }
  const alerts = new Map<string, Alert>()
  let printed = ''
  let replayed = ''

  beforeAll(async () => {
    directory = newDirectory()
    mkdirSync(join(directory, 'policies'))
    file('rosa.txt', PROMPT)
    file('handbook.txt', HANDBOOK)
    for (const name of ['rosa', 'handbook']) {
      const made = await run(['shingles', `${name}.txt`, '--out', `policies/${name}.shingles`], directory)
      expect(made).toMatchObject({ code: 0, stderr: '' })
      printed += made.stdout
    }
    const entries = [...printed.matchAll(/^ {2}- .*$/gm)].map(([entry]) => entry)
    file(
      'policies/rosa.yml',
      `version: 1\nid: rosa\nagent: { id: rosa }\nsystem_prompts:\n${entries.join('\n').replace('main', 'handbook')}\n`,
    )
    const spans = Object.entries(OUTPUTS).map(([session, output], call) =>
      callSpan({
        call,
        agent: 'rosa',
        session,
        startMs: 1_700_000_000_000 + 1000 * call,
        more: {
          'gen_ai.operation.name': 'chat',
          'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', content: output }] }]),
          ...(session.endsWith('only seen')
            ? { 'gen_ai.system_instructions': JSON.stringify([{ type: 'text', content: SEEN }]) }
            : {}),
        },
      }),
    )
    file('day.json', JSON.stringify(spansRequest(spans)))
    const ended = await run(['replay', 'day.json', '--policies', 'policies', '--out', 'alerts.ndjson'], directory)
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    replayed = ended.stdout
    for (const line of read('alerts.ndjson').trim().split('\n')) {
      const alert = JSON.parse(line) as Alert
      alerts.set(alert.session_id, alert)
    }
  })

  it.each([
    ['plain', undefined],
    ['capitals', undefined],
    ['spacing', 'letters apart'],
    ['look-alikes', 'look-alike letters'],
    ['base64', 'base64'],
  ])('is recognised when it comes out: %s', (session, hidden) => {
    const alert = alerts.get(session)
    expect(alert).toMatchObject({ title: 'System prompt leaked', severity: 'critical', kind: 'content' })
    expect(alert?.reason).toMatch(/^About \d+ % of the agent's system prompt stands in its output/)
    const leak = alert?.findings.find(({ detector }) => detector === 'prompt-extraction')
    expect(leak?.evidence.hidden).toBe(hidden)
  })

  it('is recognised by what lies beyond the part that telemetry keeps, unlike a prompt that was only seen', () => {
    expect(HANDBOOK.length - TAIL.length).toBeGreaterThan(CONTENT_LIMIT)
    expect(alerts.get('tail of the handbook')).toMatchObject({ title: 'System prompt leaked' })
    expect(alerts.get('head of a prompt only seen')).toMatchObject({ title: 'System prompt leaked' })
    expect(alerts.get('tail of a prompt only seen')).toBeUndefined()
  })

  it('is not recognised in ordinary answers, nor beyond the part of an output that telemetry keeps', () => {
    expect((OUTPUTS['late in the output'] as string).indexOf(PROMPT)).toBeGreaterThan(CONTENT_LIMIT)
    expect(alerts.get('answer')).toBeUndefined()
    expect(alerts.get('late in the output')).toBeUndefined()
  })

  it('is told by no text of ours: what quotes it is the output, cut, in a field for untrusted text', () => {
    const words = ['Rosa', 'Seeblick', 'Lindau', 'discount', 'fifteen', 'invoices', 'kitchen', 'huber']
    const told = (text: string) => words.filter((word) => text.toLowerCase().includes(word.toLowerCase()))
    expect(told(read('policies/rosa.shingles'))).toEqual([])
    for (const session of ['plain', 'capitals', 'spacing', 'look-alikes', 'base64']) {
      const alert = alerts.get(session) as Alert
      const trusted = JSON.stringify(alert, (key, value) => (key.startsWith('untrusted_') ? undefined : value))
      expect(told(trusted.replaceAll('"rosa"', '').replaceAll('policies/rosa.yml', ''))).toEqual([])
      for (const { evidence } of alert.findings) {
        expect(String(evidence.untrusted_excerpt).length).toBeLessThanOrEqual(300)
      }
    }
    expect(told(printed.replaceAll('rosa', ''))).toEqual([])
    expect(told(replayed.replaceAll('rosa', '').replace(/^.*untrusted.*$/gim, ''))).toEqual([])
  })
})

describe('telltale shingles', () => {
  beforeEach(() => {
    directory = newDirectory()
  })

  it('writes one number a line to standard output, and says how many to whoever watches', async () => {
    file('rosa.txt', PROMPT)
    const { code, stdout, stderr } = await run(['shingles', 'rosa.txt'], directory)
    const numbers = stdout.split('\n').filter((line) => /^\d+$/.test(line))
    expect({ code, stderr }).toEqual({ code: 0, stderr: `${numbers.length} shingles\n` })
    expect(numbers.length).toBeGreaterThan(30)
    expect([...numbers].sort((a, b) => Number(a) - Number(b))).toEqual(numbers)
  })

  it('reads standard input', async () => {
    const { stdout } = await run(['shingles', file('rosa.txt', PROMPT)], directory)
    const stdio: ['pipe', 'pipe', 'ignore'] = ['pipe', 'pipe', 'ignore']
    const piped = execFileSync(process.execPath, [CLI, 'shingles', '-'], { input: PROMPT, encoding: 'utf8', stdio })
    expect(piped).toBe(stdout)
  })

  it('makes the same of a prompt, whatever byte order mark and line ends it is saved with', async () => {
    const made = []
    for (const text of [PROMPT, `\ufeff${PROMPT.replaceAll('\n', '\r\n')}`]) {
      made.push((await run(['shingles', file('rosa.txt', text)], directory)).stdout)
    }
    expect(made[1]).toBe(made[0])
  })

  it('leaves out secrets and personal data: a file made with others in their place is the same', async () => {
    const made = []
    for (const address of ['rosa.huber@seeblick.example', 'max.maier@seeblick.example']) {
      const name = file('rosa.txt', PROMPT.replace('rosa.huber@seeblick.example', address))
      made.push((await run(['shingles', name], directory)).stdout)
    }
    expect(made[1]).toBe(made[0])
  })

  it('writes a file that its owner alone may read, and tells what to add to the policy', async () => {
    file('rosa.txt', PROMPT)
    const { stdout } = await run(['shingles', 'rosa.txt', '--out', 'rosa night.shingles'], directory)
    expect(stdout).toMatch(
      /^\d+ shingles in rosa night\.shingles\. .*\n\nsystem_prompts:\n {2}- \{ name: main, file: "rosa night\.shingles" \}\n$/,
    )
    expect(statSync(join(directory, 'rosa night.shingles')).mode & 0o777).toBe(0o600)
  })

  it.each<[string, string | Buffer | undefined, string]>([
    ['is not there', undefined, "prompt.txt: cannot be read: ENOENT: no such file or directory, open 'prompt.txt'"],
    ['is empty', ' \n', 'prompt.txt: is empty (register a text of at least a few sentences)'],
    [
      'is too short',
      'You are a helpful assistant of the bank',
      'prompt.txt: is too short for a prompt: it gives 1 shingles, and by fewer than 6 no leak is recognised (register a text of at least a few sentences)',
    ],
    ['is Latin 1', Buffer.from(`${PROMPT}\nGrüße`, 'latin1'), 'prompt.txt:5: is not UTF-8 text (save it as UTF-8)'],
    ['is UTF-16', Buffer.from(PROMPT, 'utf16le'), 'prompt.txt:1: is not UTF-8 text (save it as UTF-8)'],
    [
      'is too long',
      'word '.repeat(SHINGLE_TEXT_LIMIT / 5 + 1),
      'prompt.txt: is longer than 65536 characters (cut it into parts, and register each under a name of its own)',
    ],
    [
      'is far too long',
      'word '.repeat(SHINGLE_TEXT_LIMIT),
      'prompt.txt: is longer than 65536 characters (cut it into parts, and register each under a name of its own)',
    ],
  ])('refuses a prompt that %s, and writes nothing', async (_, content, said) => {
    if (content !== undefined) {
      file('prompt.txt', content)
    }
    const ended = await run(['shingles', 'prompt.txt', '--out', 'prompt.shingles'], directory)
    expect(ended).toMatchObject({ code: 2, stdout: '', stderr: `${said}\n` })
    expect(() => statSync(join(directory, 'prompt.shingles'))).toThrow('ENOENT')
  })

  it.each([
    ['prompt.txt', 'prompt.txt: is a name that no policy can give (end it in .shingles)'],
    ['absent/prompt.shingles', 'absent/prompt.shingles: cannot be written: ENOENT'],
    ['./own.shingles', './own.shingles: is the prompt itself, which would be overwritten'],
  ])('refuses to write %s', async (out, said) => {
    file('own.shingles', PROMPT)
    const ended = await run(['shingles', 'own.shingles', '--out', out], directory)
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr.startsWith(said)).toBe(true)
    expect(read('own.shingles')).toBe(PROMPT)
  })
})
