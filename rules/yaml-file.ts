/** Reads a YAML file that an operator named: bounded whatever it is, with the problems of the file itself as problems. */
import { closeSync, openSync, readSync } from 'node:fs'
import type { Problem } from '../schema/errors.ts'
import { readYaml, YAML_FILE_LIMIT, type YamlDocument } from './yaml-document.ts'

/** Every document of the file, or what is wrong with it. Nothing is thrown. */
export function readYamlFile(file: string): {
  readonly documents: readonly YamlDocument[]
  readonly problems: readonly Problem[]
} {
  let bytes: Buffer
  try {
    bytes = readBounded(file, YAML_FILE_LIMIT + 1)
  } catch (error) {
    return { documents: [], problems: [{ file, message: `cannot be read: ${(error as Error).message}` }] }
  }
  if (bytes.length > YAML_FILE_LIMIT) {
    return { documents: [], problems: [{ file, message: `has more than ${YAML_FILE_LIMIT} bytes` }] }
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return { documents: [], problems: [{ file, message: 'is not UTF-8 text' }] }
  }
  return readYaml(text, file)
}

/** At most `limit` bytes, so that a device or a pipe will do as well as a file. */
function readBounded(file: string, limit: number): Buffer {
  const descriptor = openSync(file, 'r')
  try {
    const buffer = Buffer.alloc(limit)
    let length = 0
    for (;;) {
      const read = readSync(descriptor, buffer, length, limit - length, null)
      length += read
      if (read === 0 || length === limit) {
        return buffer.subarray(0, length)
      }
    }
  } finally {
    closeSync(descriptor)
  }
}
