/** Options that `start` and the stages alone have in common. */
import { type Config, loadConfig } from '../config.ts'
import type { CommandSyntax, Parsed } from './arguments.ts'

export const STAGE_OPTIONS: Pick<CommandSyntax, 'options' | 'help'> = {
  options: { insecure: { type: 'boolean' } },
  help: [['--insecure', 'listen on addresses that other machines reach although no key is configured']],
}

/** @throws Misconfigured with every problem of the file. */
export function configOf({ values }: Parsed): Config {
  const loaded = loadConfig(values.config as string | undefined)
  return values.insecure === true ? { ...loaded, insecure: true } : loaded
}
