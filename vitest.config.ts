import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules/**', 'dist/**', 'data/**'],
    // Two cores are the target machine; more forks only take turns.
    maxWorkers: 2,
    testTimeout: 20_000,
  },
})
