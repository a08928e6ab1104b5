import { defineConfig, type UserWorkspaceConfig } from 'vitest/config'

// Type stripping runs the sources as they are; the condition makes `seer-interp` mean this checkout's src/index.ts.
const shared: Pick<UserWorkspaceConfig, 'oxc' | 'resolve' | 'ssr'> = {
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  resolve: { conditions: ['seer-source'] },
  ssr: { resolve: { conditions: ['seer-source', 'node', 'import', 'module', 'default'] } },
}

export default defineConfig({
  test: {
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          include: ['src/**/*.test.{ts,tsx}', 'test/architecture.test.ts', 'test/fixtures/**/*.test.ts'],
          setupFiles: ['test/setup.ts'],
          testTimeout: 15_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'integration',
          include: ['test/**/*.test.ts'],
          exclude: ['test/architecture.test.ts', 'test/fixtures/**', 'test/long/**'],
          setupFiles: ['test/setup.ts'],
          pool: 'forks',
          // Most of the time a test waits for processes.
          maxWorkers: 2,
          testTimeout: 180_000,
          hookTimeout: 300_000,
        },
      },
      {
        ...shared,
        test: {
          // They mostly wait: several at once, and beside other tests, so none may depend on a machine that is not busy.
          name: 'long',
          include: ['test/long/*.test.ts'],
          setupFiles: ['test/setup.ts'],
          pool: 'forks',
          maxWorkers: 4,
          // Vitest asks for one where the numbers of workers differ.
          sequence: { groupOrder: 1 },
          testTimeout: 600_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
})
