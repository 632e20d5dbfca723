import { defineConfig } from 'vitest/config'
import { kafkasToTest } from './test/kafka/which.ts'

/** `npm run test:kafka`: the suites that need a real Kafka, once for each that is tested. */
export default defineConfig({
  test: {
    // One suite at a time: a broker and a suite fill the two cores of the target machine.
    maxWorkers: 1,
    projects: kafkasToTest().map((kafka) => ({
      test: {
        name: kafka.name,
        include: ['**/*.kafka.test.ts'],
        exclude: ['node_modules/**', 'dist/**', 'data/**'],
        provide: { kafka },
        globalSetup: ['test/kafka/global-setup.ts'],
        testTimeout: 60_000,
        hookTimeout: 180_000,
      },
    })),
  },
})
