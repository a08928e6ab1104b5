/** Sandboxes on this machine, with and without the wall, are held to what every backend's are. */
import { rmSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { machineConformance } from './conformance/machine.ts'
import { sandboxConformance } from './conformance/sandbox.ts'
import { localBackend, localMachineBackend } from './fixtures/local-backend.ts'
import { killAll, processesOf } from './fixtures/processes.ts'
import { ownState } from './fixtures/walled.ts'

const root = ownState()
afterAll(async () => {
  await killAll(() => processesOf(root))
  rmSync(root, { recursive: true, force: true })
})

machineConformance('local', localMachineBackend(root))

const local = {
  trees: true,
  snapshot: true,
  attach: true,
  gpu: 'not tried: it takes a machine that has one',
  systemPackages: 'Seer installs nothing into the system of this machine',
  debug: 'code-server does not install from npm alone',
} as const

const skipped = {
  confined: sandboxConformance(
    'local, confined',
    localBackend(root, { unconfined: false }, { ...local, confined: true, network: true }),
  ),
  unconfined: sandboxConformance(
    'local, unconfined',
    localBackend(
      root,
      { unconfined: true },
      { ...local, confined: 'asked for', network: 'nothing keeps its code from any address' },
    ),
  ),
}

test('what was skipped, and nothing else', () => {
  expect(skipped).toEqual({ confined: {}, unconfined: { confined: 2, network: 4 } })
})
