/** However Telltale is started, and measured, it runs with the same flags of Node. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { NODE_FLAGS } from '../bench/telltale-process.ts'
import { packagePath } from '../package-files.ts'

it('has the same flags in its command, in the scripts and in measurements', () => {
  const [shebang] = readFileSync(packagePath('cli.ts'), 'utf8').split('\n')
  expect(shebang).toBe(`#!/usr/bin/env -S node ${NODE_FLAGS.join(' ')}`)
  const { scripts } = JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  for (const command of ['start', 'demo']) {
    expect(scripts[command]).toBe(`npm run build && node ${NODE_FLAGS.join(' ')} dist/cli.js ${command}`)
  }
})
