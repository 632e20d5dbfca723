/**
 * How fast OTLP requests are decoded: by our own protobuf reader, by a library, and from JSON, per second of one core.
 *
 *   node dist/bench/decode.js [--data ../shared/data]
 *
 * `library` is protobufjs plus turning its objects into records, which is what our reader gives at once.
 * `library, apart` decodes every record on its own, as one must so that a bad one does not cost its request.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeOtlp } from '../collectors/otlp/decode.ts'
import {
  decodeApartWithLibrary,
  decodeWithLibrary,
  encodeWithLibrary,
  parseWithLibrary,
} from '../collectors/otlp/oracle.ts'

const SPANS = 512
const SECONDS = 1.5
const ROUNDS = 5

interface Sample {
  readonly name: string
  readonly protobuf: Uint8Array
  readonly json: Uint8Array | undefined
}

function main(): void {
  const flag = process.argv.indexOf('--data')
  const captures = join(flag === -1 ? '../shared/data' : (process.argv[flag + 1] ?? ''), 'otlp')
  const samples = [synthetic(), ...(existsSync(captures) ? [captured(captures)] : [])]
  for (const sample of samples) {
    const { protobuf, json } = sample
    console.log(`\n${sample.name}: ${protobuf.length} bytes of protobuf`)
    const bytes = protobuf.length
    compare([
      ['own reader', () => decodeOtlp(protobuf, { signal: 'traces', encoding: 'protobuf' }), bytes],
      ['library, without records', () => parseWithLibrary('traces', protobuf), bytes],
      ['library', () => decodeWithLibrary('traces', protobuf), bytes],
      ['library, apart', () => decodeApartWithLibrary(protobuf), bytes],
      ...(json === undefined
        ? []
        : ([['JSON', () => decodeOtlp(json, { signal: 'traces', encoding: 'json' }), json.length]] as const)),
    ])
  }
}

type Contestant = readonly [name: string, run: () => unknown, bytes: number]

/**
 * Runs the contestants in turn, several times over, and prints the median of each, by the processor time that this
 * process used (garbage collection included) and not by the clock: the machine may be busy with others.
 */
function compare(contestants: readonly Contestant[]): void {
  const rates = new Map<string, number[]>()
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, run] of contestants) {
      const start = cpuSeconds()
      let runs = 0
      do {
        run()
        runs++
      } while (cpuSeconds() - start < SECONDS / ROUNDS)
      rates.set(name, [...(rates.get(name) ?? []), runs / (cpuSeconds() - start)])
    }
  }
  for (const [name, , bytes] of contestants) {
    const sorted = (rates.get(name) ?? []).sort((a, b) => a - b)
    const rate = sorted[sorted.length >> 1] ?? 0
    const megabytes = ((rate * bytes) / 1e6).toFixed(0)
    console.log(
      `  ${name.padEnd(25)} ${megabytes.padStart(5)} MB/s ${Math.round(rate * SPANS)
        .toLocaleString('en')
        .padStart(10)} spans/s`,
    )
  }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** A request of `SPANS` tool calls and model calls as the GenAI conventions name them. */
function synthetic(): Sample {
  const spans = Array.from({ length: SPANS }, (_, index) => ({
    traceId: Buffer.from(index.toString(16).padStart(32, 'a'), 'hex'),
    spanId: Buffer.from(index.toString(16).padStart(16, 'b'), 'hex'),
    parentSpanId: Buffer.from('c'.repeat(16), 'hex'),
    name: 'execute_tool search_orders',
    kind: 1,
    startTimeUnixNano: `17952875946541${String(index).padStart(5, '0')}`,
    endTimeUnixNano: `17952875947541${String(index).padStart(5, '0')}`,
    attributes: [
      text('gen_ai.operation.name', 'execute_tool'),
      text('gen_ai.tool.name', 'search_orders'),
      text('gen_ai.tool.call.id', `call_${index}`),
      text('gen_ai.agent.name', 'support-agent'),
      text('gen_ai.conversation.id', `conversation-${index >> 4}`),
      text('gen_ai.tool.call.arguments', JSON.stringify({ customer: index, status: 'open', since: '2026-11-01' })),
      text('gen_ai.tool.call.result', JSON.stringify({ orders: [index, index + 1], note: 'two orders were found' })),
      { key: 'gen_ai.usage.input_tokens', value: { intValue: String(1000 + index) } },
    ],
    status: {},
  }))
  const resource = { attributes: [text('service.name', 'support'), text('service.version', '1.4.2')] }
  const request = { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'bench', version: '1' }, spans }] }] }
  const json = JSON.stringify(request, (key, value) =>
    key.endsWith('Id') ? Buffer.from(value.data ?? value).toString('hex') : value,
  )
  return { name: `${SPANS} tool-call spans`, protobuf: encodeWithLibrary('traces', request), json: Buffer.from(json) }
}

function text(key: string, stringValue: string) {
  return { key, value: { stringValue } }
}

/** The groups of all captured protobuf traces, repeated until there are at least `SPANS` spans, then cut. */
function captured(folder: string): Sample {
  const groups = readdirSync(folder)
    .filter((file) => file.endsWith('traces.pb'))
    .flatMap((file) => (parseWithLibrary('traces', readFileSync(join(folder, file))) as Groups).resourceSpans)
  const resourceSpans: Groups['resourceSpans'] = []
  let left = SPANS
  for (let index = 0; left > 0; index++) {
    const group = groups[index % groups.length] as Groups['resourceSpans'][number]
    const scopeSpans = group.scopeSpans.map((scoped) => {
      const spans = scoped.spans.slice(0, left)
      left -= spans.length
      return { ...scoped, spans }
    })
    resourceSpans.push({ ...group, scopeSpans })
  }
  return { name: `${SPANS} captured spans`, protobuf: encodeWithLibrary('traces', { resourceSpans }), json: undefined }
}

interface Groups {
  readonly resourceSpans: {
    readonly resource: object
    readonly scopeSpans: readonly { readonly scope: object; readonly spans: readonly object[] }[]
  }[]
}

main()
