/** For tests: whether the embedded engine can run here. */
import { createRequire } from 'node:module'

/** The package is optional: a deployment with a ClickHouse server leaves it out, and some machines cannot have it. */
export const hasChdb = (() => {
  try {
    createRequire(import.meta.url).resolve('chdb')
    return true
  } catch {
    return false
  }
})()
