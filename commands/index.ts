/** The list of commands, in the order shown. */
import { checkCommand } from './check.ts'
import type { Command } from './command.ts'
import { coverageCommand } from './coverage.ts'
import { demoCommand } from './demo.ts'
import { entitlementsCommand } from './entitlements.ts'
import { keyCommand } from './key.ts'
import { learnCommand } from './learn.ts'
import { replayCommand } from './replay.ts'
import { shinglesCommand } from './shingles.ts'
import { stageCommands } from './stage.ts'
import { startCommand } from './start.ts'

export const commands: readonly Command[] = [
  startCommand,
  ...stageCommands,
  demoCommand,
  replayCommand,
  checkCommand,
  coverageCommand,
  learnCommand,
  entitlementsCommand,
  keyCommand,
  shinglesCommand,
]
