import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    // Those need a real Kafka: vitest.kafka.config.ts.
    exclude: ['node_modules/**', 'dist/**', 'data/**', '**/*.kafka.test.ts'],
    // Two cores are the target machine; more forks only take turns.
    maxWorkers: 2,
    testTimeout: 20_000,
  },
})
