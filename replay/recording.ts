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
import { accessSync, constants, createReadStream, statSync } from 'node:fs'
import { basename } from 'node:path'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { Misconfigured, type Problem } from '../schema/errors.ts'
import { LINE_LIMIT, linesOf } from './lines.ts'

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
  /** A part that cannot be read; what comes after it may still come. */
  | { readonly kind: 'damaged'; readonly reason: string; readonly place: string }

/** The formats in the order in which names are matched. */
const FORMATS = ['.otlp.jsonl', '.ndjson', '.json', '.pb'] as const
type Format = (typeof FORMATS)[number]

function formatOf(file: string): Format | undefined {
  const name = file.endsWith('.gz') ? file.slice(0, -3) : file
  return FORMATS.find((format) => name.endsWith(format))
}

/** Every file's format is known, and can be opened, before anything is read. Throws `Misconfigured` naming all others. */
export function checkRecordings(files: readonly string[]): void {
  const problems = files.flatMap((file) => problemOf(file) ?? [])
  if (problems.length > 0) {
    throw new Misconfigured(problems)
  }
}

function problemOf(file: string): Problem | undefined {
  if (formatOf(file) === undefined) {
    const suggestion = `name it ${FORMATS.join(', ')}, each also with .gz`
    return { file, message: 'is not a recording that replay can read', suggestion }
  }
  try {
    accessSync(file, constants.R_OK)
    return statSync(file).isDirectory() ? { file, message: 'is a directory, not a recording' } : undefined
  } catch (error) {
    return { file, message: `cannot be read: ${(error as Error).message}` }
  }
}

/** Reads one recording from front to back. A file that turns out to be damaged ends in `damaged`, not in an error. */
export async function* readRecording(file: string): AsyncGenerator<Recorded> {
  const format = formatOf(file)
  const isLines = format === '.otlp.jsonl' || format === '.ndjson'
  let number = 0
  try {
    for await (const line of isLines ? linesOf(open(file)) : [await wholeOf(open(file))]) {
      number += 1
      const place = isLines ? `${file}:${number}` : file
      if (line === undefined) {
        yield { kind: 'damaged', place, reason: `longer than ${LINE_LIMIT} bytes` }
      } else if (format === '.ndjson') {
        yield* isBlank(line) ? [] : [{ kind: 'event', line: line.toString('utf8'), place } as const]
      } else if (!isLines || !isBlank(line)) {
        yield otlp(line, format === '.pb' ? 'protobuf' : 'json', file, place)
      }
    }
  } catch (error) {
    const place = isLines ? `${file}:${number + 1}` : file
    yield { kind: 'damaged', place, reason: `cannot be read on: ${(error as Error).message}` }
  }
}

function open(file: string): Readable {
  const source = createReadStream(file)
  if (!file.endsWith('.gz')) {
    return source
  }
  const inflated = source.pipe(createGunzip())
  // Errors of the file itself do not travel through a pipe.
  source.on('error', (error) => inflated.destroy(error))
  inflated.on('close', () => source.destroy())
  return inflated
}

/** All bytes, or `undefined` when there are too many to be one request. */
async function wholeOf(input: Readable): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of input as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > LINE_LIMIT) {
      return undefined
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function isBlank(line: Buffer): boolean {
  return line.length < 64 && line.toString('latin1').trim() === ''
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
