import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // Real servers, processes and threads on a machine that is shared: what fails twice there is broken.
    retry: process.env.CI ? 1 : 0,
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/postgres-of-run.ts',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // For tests of what is held in memory: garbage is not.
    execArgv: ['--expose-gc'],
  },
})
