/** A bus that outlives the program: a file with a line `key value` for each record, in the order in which they landed. */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import type { Bus, BusRecord, Topic } from '../../engine/bus/bus.ts'

export class FileRemote implements Pick<Bus, 'append'> {
  readonly #file: number

  /** Goes on behind a line that a kill has cut off. */
  constructor(path: string) {
    this.#file = openSync(path, 'a')
    writeSync(this.#file, '\n')
  }

  append = async (_topic: Topic, records: readonly BusRecord[]): Promise<void> => {
    writeSync(this.#file, records.map(({ key, value }) => `${key} ${Buffer.from(value).toString()}\n`).join(''))
  }

  close(): void {
    closeSync(this.#file)
  }
}

/** What landed, without repeats and cut lines, in the order of its first landing. */
export function landedIn(path: string): string[] {
  return [...new Set(readFileSync(path, 'utf8').split('\n'))].filter((line) => /^\S+ \S+;$/.test(line))
}
