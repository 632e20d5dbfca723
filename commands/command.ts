/** A command of the command line: a file of this folder and a line in `index.ts`. */
import type { CommandSyntax } from './arguments.ts'

export interface Command {
  readonly syntax: CommandSyntax
  /**
   * @param args what stands after the command's name.
   * @returns the exit code.
   * @throws UsageError or Misconfigured, which end the process with 2.
   */
  run(args: readonly string[]): Promise<number>
}
