/** The recorded requests of real agents: where they are, and which. They are not part of the project. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

export const captureFolder = join(process.env.TELLTALE_DATA ?? '../shared/data', 'otlp')
export const areCapturesThere = existsSync(captureFolder)

/** Bodies, in the order in which tests send them. Each has its `.meta.json`, which is not listed. */
export const captureFiles: readonly string[] = areCapturesThere
  ? readdirSync(captureFolder)
      .filter((file) => /\.(json|pb)$/.test(file) && !file.endsWith('.meta.json'))
      .sort()
  : []

/** Those that hold spans or log records; the others hold metrics, of which nothing is read. */
export const recordFiles: readonly string[] = captureFiles.filter((file) => !file.includes('metrics'))

/** What a file of `recordFiles` holds, told by its name. */
export function signalOf(file: string): 'traces' | 'logs' {
  return file.includes('logs') ? 'logs' : 'traces'
}
