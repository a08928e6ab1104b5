import { expect } from 'vitest'
import type { Started } from './started.ts'

/** Waits until a cell has printed this. */
export async function printed(one: Started, text: string): Promise<void> {
  const outputs = async () => (await one.log()).of('cell-output').map(({ output }) => JSON.stringify(output))
  await expect
    .poll(async () => (await outputs()).some((output) => output.includes(text)), { timeout: 30_000 })
    .toBe(true)
}
