/**
 * Recordings: files of history, read request by request with bounded memory.
 *
 * | name ends in                 | holds                                                                      |
 * |------------------------------|----------------------------------------------------------------------------|
 * | `.otlp.jsonl`                | one OTLP/JSON export request a line, as the Collector's file exporter writes |
 * | `.ndjson`                    | one telemetry record a line, as `--events` writes                          |
 * | `.json`                      | one OTLP/JSON export request                                               |
 * | `.pb`                        | one OTLP protobuf export request                                           |
 *
 * Each also with `.gz`.
 */
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { createInterface } from 'node:readline'
import { createGunzip, gunzipSync } from 'node:zlib'
import { Misconfigured } from '../schema/errors.ts'

/** One thing read from a recording, with the place it came from for error messages. */
export type Recorded =
  | {
      readonly kind: 'otlp'
      readonly body: Uint8Array
      readonly encoding: 'json' | 'protobuf'
      readonly signal: 'traces' | 'logs'
      readonly place: string
    }
  | { readonly kind: 'metrics'; readonly place: string }
  | { readonly kind: 'event'; readonly line: string; readonly place: string }

/** The formats in the order in which names are matched. */
const FORMATS = ['.otlp.jsonl', '.ndjson', '.json', '.pb'] as const
type Format = (typeof FORMATS)[number]

export function formatOf(file: string): Format | undefined {
  const name = file.endsWith('.gz') ? file.slice(0, -3) : file
  return FORMATS.find((format) => name.endsWith(format))
}

/** Every file's format is known before anything is read. Throws `Misconfigured` naming all that are not. */
export function checkRecordings(files: readonly string[]): void {
  const problems = files
    .filter((file) => formatOf(file) === undefined)
    .map((file) => ({
      file,
      message: 'is not a recording that replay can read',
      suggestion: `name it ${FORMATS.join(', ')}, each also with .gz`,
    }))
  if (problems.length > 0) {
    throw new Misconfigured(problems)
  }
}

/** Reads one recording from front to back. Rejects with the file system's error when it cannot be opened. */
export async function* readRecording(file: string): AsyncGenerator<Recorded> {
  const format = formatOf(file)
  if (format === '.otlp.jsonl' || format === '.ndjson') {
    yield* readLines(file, format)
    return
  }
  const raw = await readFile(file)
  const body = file.endsWith('.gz') ? gunzipSync(raw) : raw
  yield otlp(body, format === '.pb' ? 'protobuf' : 'json', file, file)
}

async function* readLines(file: string, format: Format): AsyncGenerator<Recorded> {
  const source = createReadStream(file)
  const input = file.endsWith('.gz') ? source.pipe(createGunzip()) : source
  // Errors of the file itself do not travel through a pipe.
  source.on('error', (error) => input.destroy(error))
  let number = 0
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1
    if (line.trim() === '') {
      continue
    }
    const place = `${file}:${number}`
    yield format === '.ndjson' ? { kind: 'event', line, place } : otlp(Buffer.from(line), 'json', file, place)
  }
}

function otlp(body: Uint8Array, encoding: 'json' | 'protobuf', file: string, place: string): Recorded {
  const signal = signalOf(body, encoding, file)
  return signal === 'metrics' ? { kind: 'metrics', place } : { kind: 'otlp', body, encoding, signal, place }
}

/**
 * JSON requests name their signal in their only key. Protobuf requests of traces and logs have the same outer shape,
 * so there the file's name decides (`*logs*.pb`, `*metrics*.pb`), traces otherwise.
 */
function signalOf(body: Uint8Array, encoding: 'json' | 'protobuf', file: string): 'traces' | 'logs' | 'metrics' {
  const hint =
    encoding === 'json' ? Buffer.from(body.subarray(0, 200)).toString('latin1') : basename(file).toLowerCase()
  if (/resourceLogs/.test(hint) || (encoding === 'protobuf' && /logs?\b/.test(hint))) {
    return 'logs'
  }
  if (/resourceMetrics/.test(hint) || (encoding === 'protobuf' && /metrics?\b/.test(hint))) {
    return 'metrics'
  }
  return 'traces'
}
