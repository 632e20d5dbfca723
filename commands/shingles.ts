/**
 * `telltale shingles FILE`: makes of a system prompt what a policy registers of it, so that its leak is found although
 * its text is stored nowhere. Secrets and personal data are masked first, as in telemetry: they are in no shingle.
 */
import { isUtf8 } from 'node:buffer'
import { createReadStream, writeFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { mask } from '../collectors/sanitize/mask.ts'
import { SHINGLE_FILE_ENDING, shingleFileText } from '../rules/shingle-file.ts'
import { FEWEST_SHINGLES, SHINGLE_TEXT_LIMIT, shingles } from '../rules/shingles.ts'
import { Misconfigured } from '../schema/errors.ts'
import { parseCommand } from './arguments.ts'
import type { Command } from './command.ts'

/** More bytes than this are too many characters whatever they are: a UTF-16 unit takes three at most. */
const BYTE_LIMIT = 3 * SHINGLE_TEXT_LIMIT + 3
const LINE_END = 0x0a

export const shinglesCommand: Command = {
  syntax: {
    name: 'shingles',
    operands: 'FILE',
    minOperands: 1,
    summary: 'make of a system prompt the hashes that a policy registers',
    options: { out: { type: 'string' } },
    help: [
      ['FILE', 'the text of the prompt, UTF-8; - for standard input'],
      ['--out FILE', `write a ${SHINGLE_FILE_ENDING} file, instead of standard output`],
    ],
  },
  run: async (args) => {
    const { operands, values } = parseCommand(shinglesCommand.syntax, args)
    const [file] = operands as [string]
    const out = values.out as string | undefined
    checkOut(out, file)
    const found = shinglesOf(await readBytes(file), file === '-' ? 'standard input' : file)
    const text = shingleFileText(found)
    if (out === undefined) {
      process.stdout.write(text)
      process.stderr.write(`${found.size} shingles\n`)
      return 0
    }
    try {
      writeFileSync(out, text, { mode: 0o600 })
    } catch (error) {
      throw wrong(out, `cannot be written: ${(error as Error).message}`)
    }
    const entry = `{ name: main, file: ${JSON.stringify(basename(out))} }`
    process.stdout.write(
      `${found.size} shingles in ${out}. Put it beside the agent's policy, and add there:\n\nsystem_prompts:\n  - ${entry}\n`,
    )
    return 0
  },
}

function wrong(file: string, message: string, suggestion?: string): Misconfigured {
  return new Misconfigured([{ file, message, ...(suggestion === undefined ? {} : { suggestion }) }])
}

function checkOut(out: string | undefined, file: string): void {
  if (out !== undefined && !out.endsWith(SHINGLE_FILE_ENDING)) {
    throw wrong(out, 'is a name that no policy can give', `end it in ${SHINGLE_FILE_ENDING}`)
  }
  if (out !== undefined && resolve(out) === resolve(file)) {
    throw wrong(out, 'is the prompt itself, which would be overwritten')
  }
}

/** @throws Misconfigured when it cannot be read; of what is too large it reads no more than shows that. */
async function readBytes(file: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of file === '-' ? process.stdin : createReadStream(file)) {
      chunks.push(chunk as Buffer)
      bytes += (chunk as Buffer).length
      if (bytes > BYTE_LIMIT) {
        break
      }
    }
  } catch (error) {
    throw wrong(file, `cannot be read: ${(error as Error).message}`)
  }
  return Buffer.concat(chunks)
}

function shinglesOf(bytes: Buffer, place: string): ReadonlySet<number> {
  if (bytes.length > BYTE_LIMIT) {
    throw tooLong(place)
  }
  if (!isUtf8(bytes) || bytes.includes(0)) {
    throw new Misconfigured([
      { file: place, line: foreignLine(bytes), message: 'is not UTF-8 text', suggestion: 'save it as UTF-8' },
    ])
  }
  const text = mask(new TextDecoder().decode(bytes))
  if (text.length > SHINGLE_TEXT_LIMIT) {
    throw tooLong(place)
  }
  const found = shingles(text)
  if (found.size < FEWEST_SHINGLES) {
    throw wrong(
      place,
      text.trim() === ''
        ? 'is empty'
        : `is too short for a prompt: it gives ${found.size} shingles, and by fewer than ${FEWEST_SHINGLES} no leak is recognised`,
      'register a text of at least a few sentences',
    )
  }
  return found
}

const tooLong = (place: string) =>
  wrong(
    place,
    `is longer than ${SHINGLE_TEXT_LIMIT} characters`,
    'cut it into parts, and register each under a name of its own',
  )

/** The first line that is no text, from 1. UTF-16 gives itself away by its zeros. */
function foreignLine(bytes: Buffer): number {
  let line = 1
  let start = 0
  while (start < bytes.length) {
    const next = bytes.indexOf(LINE_END, start)
    const end = next < 0 ? bytes.length : next
    const part = bytes.subarray(start, end)
    if (!isUtf8(part) || part.includes(0)) {
      break
    }
    line += 1
    start = end + 1
  }
  return line
}
