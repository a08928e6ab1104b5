/**
 * Several work in one session while relays, kernels and clients are killed, stopped and cut off: what the kernel says that it did is
 * what log and notebook have, and what everybody was told. `SEER_SOAK_MINUTES` makes it longer, `SEER_SOAK_SEED` repeats one.
 */
import { randomInt } from 'node:crypto'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { killAll, processesOf } from '../fixtures/processes.ts'
import { soaked } from '../fixtures/soak/soak.ts'
import { ownState } from '../fixtures/walled.ts'
import { stubPage } from '../viewer-client.ts'

const MINUTES = Number(process.env['SEER_SOAK_MINUTES'] ?? 2)
const SEED = Number(process.env['SEER_SOAK_SEED'] ?? randomInt(1_000_000))

let root: string
beforeEach(() => {
  root = ownState()
})
afterEach(async () => {
  await killAll(() => processesOf(root))
  rmSync(root, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

test(`${MINUTES} minutes of faults, seed ${SEED}`, { timeout: MINUTES * 60_000 + 400_000 }, async () => {
  const { folder, problems, counts } = await soaked({ seed: SEED, ms: MINUTES * 60_000, root, page: stubPage() })
  console.log(`soak: SEER_SOAK_SEED=${SEED} SEER_SOAK_MINUTES=${MINUTES}: ${JSON.stringify(counts)}`)
  if (problems.length > 0) {
    const kept = mkdtempSync(join(tmpdir(), 'seer-soak-'))
    cpSync(folder, kept, { recursive: true })
    writeFileSync(join(kept, 'problems.txt'), problems.join('\n'))
    console.log(`soak: ${problems.length} problems, kept with the run in ${kept}`)
  }
  expect(problems.slice(0, 50)).toEqual([])
})
