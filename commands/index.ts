/** The list of commands, in the order shown. */
import { checkCommand } from './check.ts'
import type { Command } from './command.ts'
import { demoCommand } from './demo.ts'
import { keyCommand } from './key.ts'
import { replayCommand } from './replay.ts'
import { shinglesCommand } from './shingles.ts'
import { startCommand } from './start.ts'

export const commands: readonly Command[] = [
  startCommand,
  demoCommand,
  replayCommand,
  checkCommand,
  keyCommand,
  shinglesCommand,
]
