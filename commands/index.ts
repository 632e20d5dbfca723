/** The list of commands, in the order shown. */
import type { Command } from './command.ts'
import { replayCommand } from './replay.ts'

export const commands: readonly Command[] = [replayCommand]
