/**
 * What every backend's sandboxes are held to. Read this folder as the contract: one file is one theme.
 *
 * A backend's test is this call with what it can do, and a second look at what that made it skip.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attach } from './attach.ts'
import { cells } from './cells.ts'
import { connection } from './connection.ts'
import { environment } from './environment.ts'
import { exec } from './exec.ts'
import { files } from './files.ts'
import { lifecycle } from './lifecycle.ts'
import { models } from './models.ts'
import { network } from './network.ts'
import { refused } from './refused.ts'
import { repos } from './repos.ts'
import { snapshot } from './snapshot.ts'
import { timeout } from './timeout.ts'
import { transfer } from './transfer.ts'
import { newSuite, type Backend, type Capability } from './suite.ts'

const THEMES = [
  lifecycle,
  files,
  transfer,
  cells,
  exec,
  connection,
  environment,
  models,
  repos,
  network,
  refused,
  timeout,
  attach,
  snapshot,
]

/** Returns how many checks each missing capability has cost. */
export function sandboxConformance(name: string, backend: Backend): Partial<Record<Capability, number>> {
  const { suite, skipped } = newSuite(backend)
  describe(name, () => {
    let before: readonly string[]
    beforeAll(async () => void (before = await suite.remains()))
    for (const theme of THEMES) describe(theme.name, () => theme(suite))
    test('in the end nothing is left', async () => expect(await suite.remains()).toEqual(before))
    afterAll(() => {
      for (const [missing, count] of Object.entries(skipped))
        console.log(`${name}: ${count} checks skipped, no ${missing}: ${backend.capabilities[missing as Capability]}`)
    })
  })
  return skipped
}
