import { defineConfig } from 'vitest/config'
import { kafkasToTest } from './test/kafka/which.ts'

/** What speaks to Kafka itself is tested on every line of it; what is above, and takes minutes, on the newest. */
const ON_EVERY_LINE = ['engine/bus/**/*.kafka.test.ts', 'collectors/**/*.kafka.test.ts']
const OLDER = new Set(['3.9'])

/** `npm run test:kafka`: the suites that need a real Kafka, once for each that is tested. */
export default defineConfig({
  test: {
    // One suite at a time: a broker and a suite fill the two cores of the target machine.
    maxWorkers: 1,
    projects: kafkasToTest().map((kafka) => ({
      test: {
        name: kafka.name,
        include: OLDER.has(kafka.version) && kafka.given === undefined ? ON_EVERY_LINE : ['**/*.kafka.test.ts'],
        exclude: ['node_modules/**', 'dist/**', 'data/**'],
        provide: { kafka },
        globalSetup: ['test/kafka/global-setup.ts'],
        testTimeout: 60_000,
        hookTimeout: 180_000,
      },
    })),
  },
})
