/** What comes with the package: where its files lie, and which version it is. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Where a file of the package lies; compiled code lies one level below it. */
export function packagePath(path: string): string {
  return fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? `./${path}` : `../${path}`, import.meta.url))
}

/** The policies that come with Telltale, for the agents of the demo and as examples. */
export const SHIPPED_POLICIES: string = packagePath('rules/policies')

export const VERSION: string = (
  JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as { readonly version: string }
).version
