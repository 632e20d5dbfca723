/** Replay as its user meets it: recordings that are damaged, outputs that cannot be written. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { directories, run } from '../test/command-line.ts'
import { callRequest, callSpan, spansRequest } from '../test/one-call.ts'

vi.setConfig({ testTimeout: 60_000 })
const newDirectory = directories('telltale-replay-')
let directory: string
beforeEach(() => {
  directory = newDirectory()
})

const at = (name: string) => join(directory, name)
function file(name: string, content: string | Buffer): string {
  writeFileSync(at(name), content)
  return name
}
const lines = (name: string) =>
  readFileSync(at(name), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

/** Requests of one call each, one a line. */
const requests = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `${JSON.stringify(callRequest({ call: from + index }))}\n`).join('')

/** How many events a replay of the files makes, and what it says. */
async function replayed(...files: string[]) {
  const ended = await run(['replay', '--events', 'out.events.ndjson', ...files], directory)
  return { ...ended, events: lines('out.events.ndjson').length }
}

describe('a recording', () => {
  it('is read in every format, compressed or not, and the same either way', async () => {
    const body = JSON.stringify(spansRequest([0, 1, 2].map((call) => callSpan({ call, startMs: 1_700_000_000_000 }))))
    file('a.json', body)
    file('b.otlp.jsonl', `\n${body}\r\n   \n`)
    file('c.json.gz', gzipSync(body))
    file('d.otlp.jsonl.gz', gzipSync(body))
    const texts: string[] = []
    for (const name of ['a.json', 'b.otlp.jsonl', 'c.json.gz', 'd.otlp.jsonl.gz']) {
      expect(await replayed(name)).toMatchObject({ code: 0, stderr: '', events: 3 })
      texts.push(readFileSync(at('out.events.ndjson'), 'utf8'))
    }
    expect(new Set(texts).size).toBe(1)
    file('again.ndjson', texts[0] as string)
    expect(await replayed('again.ndjson')).toMatchObject({ code: 0, events: 3 })
    expect(readFileSync(at('out.events.ndjson'), 'utf8')).toBe(texts[0])
  })

  it('that is not there, is a directory or of an unknown kind is refused before anything is read', async () => {
    file('good.json', JSON.stringify(callRequest({})))
    file('notes.txt', '')
    mkdirSync(at('folder.json'))
    symlinkSync('nowhere', at('dangling.pb'))
    const names = ['good.json', 'absent.json', 'folder.json', 'notes.txt', 'dangling.pb']
    const ended = await run(['replay', ...names, '--events', 'events.ndjson'], directory)
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr.trim().split('\n')).toEqual([
      "absent.json: cannot be read: ENOENT: no such file or directory, access 'absent.json'",
      'folder.json: is a directory, not a recording',
      'notes.txt: is not a recording that replay can read (name it .otlp.jsonl, .ndjson, .json, .pb, each also with .gz)',
      "dangling.pb: cannot be read: ENOENT: no such file or directory, access 'dangling.pb'",
    ])
    expect(existsSync(at('events.ndjson'))).toBe(false)
  })

  it.skipIf(process.getuid?.() === 0)(
    'that may not be read is refused (skipped for root, who may read all)',
    async () => {
      file('secret.json', '{}')
      execFileSync('chmod', ['000', at('secret.json')])
      const ended = await run(['replay', 'secret.json'], directory)
      expect(ended.code).toBe(2)
      expect(ended.stderr).toContain('secret.json: cannot be read: EACCES')
    },
  )

  it('that is empty holds nothing, or is no request', async () => {
    file('a.ndjson', '')
    file('b.otlp.jsonl', '\n\n')
    file('c.pb', '')
    expect(await replayed('a.ndjson', 'b.otlp.jsonl', 'c.pb')).toMatchObject({ code: 0, stderr: '', events: 0 })
    file('d.json', '')
    file('e.pb.gz', '')
    const { code, stderr } = await replayed('d.json', 'e.pb.gz')
    expect(code).toBe(0)
    expect(stderr.trim().split('\n')).toEqual([
      'd.json: not OTLP traces as json: not valid JSON',
      'e.pb.gz: cannot be read on: unexpected end of file',
    ])
  })

  it('with bad lines loses those alone, each told with its place', async () => {
    file('a.otlp.jsonl', `${requests(0, 2)}{"resourceSpans":7}\n{"half\n${requests(2, 4)}`)
    file('b.otlp.jsonl', requests(4, 5))
    const { code, stderr, events, stdout } = await replayed('a.otlp.jsonl', 'b.otlp.jsonl')
    expect({ code, events }).toEqual({ code: 0, events: 5 })
    expect(stderr).toMatch(/^a\.otlp\.jsonl:3: .*\na\.otlp\.jsonl:4: .*\n$/)
    expect(stdout).toMatch(/rejected:undecodable-request +2/)
  })

  it('of events tells what is wrong with a record, in printable text', async () => {
    file('a.ndjson', '{"schema_version":"1"}\nnull\n7\n{"__proto__":1,"\\u001b[31m":2}\n\u001b[2J\n')
    const { code, stderr, events } = await replayed('a.ndjson')
    expect({ code, events }).toEqual({ code: 0, events: 0 })
    expect(stderr.trim().split('\n')).toHaveLength(5)
    expect(stderr).not.toContain('\u001b')
  })

  it('whose compression is damaged in the middle gives what can be read, and the next one is read', async () => {
    const whole = gzipSync(requests(0, 2000))
    const middle = Math.floor(whole.length / 2)
    file('cut.otlp.jsonl.gz', whole.subarray(0, middle))
    const damaged = Buffer.from(whole)
    damaged.fill(0xff, middle, middle + 64)
    file('damaged.otlp.jsonl.gz', damaged)
    file('none.otlp.jsonl.gz', 'this was never compressed')
    file('next.otlp.jsonl', requests(5000, 5003))
    const { code, stderr, events } = await replayed(
      'cut.otlp.jsonl.gz',
      'damaged.otlp.jsonl.gz',
      'none.otlp.jsonl.gz',
      'next.otlp.jsonl',
    )
    expect(code).toBe(0)
    expect(stderr).toMatch(/^cut\.otlp\.jsonl\.gz:\d{3,4}: cannot be read on: unexpected end of file$/m)
    expect(stderr).toMatch(/^damaged\.otlp\.jsonl\.gz:\d{3,4}: cannot be read on: .+$/m)
    expect(stderr).toMatch(/^none\.otlp\.jsonl\.gz:1: cannot be read on: incorrect header check$/m)
    expect(events).toBeGreaterThan(500)
    expect(
      lines('out.events.ndjson').filter(({ tool }) => tool.call_id.startsWith('call-500') && tool.call_id.length > 8),
    ).toHaveLength(3)
  })

  it('that inflates without end is left when it is too long for one request', async () => {
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024, 0x20))
    file('bomb.json.gz', bomb)
    file('bomb.otlp.jsonl.gz', Buffer.concat([bomb, gzipSync(`\n${requests(0, 1)}`)]))
    const { code, stderr, events } = await replayed('bomb.json.gz', 'bomb.otlp.jsonl.gz')
    expect({ code, events }).toEqual({ code: 0, events: 1 })
    expect(stderr).toMatch(/^bomb\.json\.gz: longer than \d+ bytes\nbomb\.otlp\.jsonl\.gz:1: longer than \d+ bytes\n$/)
  })

  it('of another kind than its name says does not flood the screen', async () => {
    file('garbage.ndjson', 'no record\n'.repeat(5000))
    const { code, stderr, stdout } = await replayed('garbage.ndjson')
    expect(code).toBe(0)
    expect(stderr.trim().split('\n')).toHaveLength(21)
    expect(stderr).toContain('... and 4980 more that could not be read')
    expect(stdout).toMatch(/rejected:invalid-json +5000/)
  })
})

describe('an output', () => {
  it('that cannot be written is refused before the work', async () => {
    file('a.json', JSON.stringify(callRequest({})))
    mkdirSync(at('folder'))
    const ended = await run(['replay', 'a.json', '--out', 'absent/alerts.ndjson', '--events', 'folder'], directory)
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr.trim().split('\n')).toEqual([
      "absent/alerts.ndjson: cannot be written: ENOENT: no such file or directory, open 'absent/alerts.ndjson'",
      "folder: cannot be written: EISDIR: illegal operation on a directory, open 'folder'",
    ])
  })

  it('is never a recording that is read, nor another output', async () => {
    const name = file('a.otlp.jsonl', requests(0, 1))
    symlinkSync('a.otlp.jsonl', at('link.ndjson'))
    const before = readFileSync(at(name), 'utf8')
    for (const args of [
      ['--out', name],
      ['--events', `./x/../${name}`],
      ['--out', 'link.ndjson'],
      ['--out', 'same.ndjson', '--events', './same.ndjson'],
    ]) {
      expect((await run(['replay', name, ...args], directory)).code).toBe(2)
    }
    expect(readFileSync(at(name), 'utf8')).toBe(before)
  })

  it('may be a device', async () => {
    file('a.json', JSON.stringify(callRequest({})))
    expect((await run(['replay', 'a.json', '--out', '/dev/null'], directory)).code).toBe(0)
    expect(await run(['replay', 'a.json', '--events', '/dev/null'], directory)).toMatchObject({
      code: 2,
      stderr: '/dev/null: is not a regular file\n',
    })
  })

  it('holds each alert, judged by the policies that were asked for', async () => {
    mkdirSync(at('strict'))
    file('strict/a.yml', 'version: 1\nid: only-search\nagent: {id: agent-a}\ntools: {allow: [search]}\n')
    file('a.json', JSON.stringify(spansRequest(['search', 'shell'].map((tool, call) => callSpan({ call, tool })))))
    const ended = await run(['replay', 'a.json', '--policies', 'strict', '--out', 'alerts.ndjson'], directory)
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout).toContain('2 records received, 1 alerts')
    expect(lines('alerts.ndjson')).toMatchObject([
      { agent: { id: 'agent-a' }, policy: { file: 'strict/a.yml', line: 4 } },
    ])
    expect((await run(['replay', 'a.json', '--policies', 'absent'], directory)).code).toBe(2)
  })
})
