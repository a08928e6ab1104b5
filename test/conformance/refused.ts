/** What cannot be honoured is refused before anything starts: an option that is left out silently would be a lie. */
import { describe, expect } from 'vitest'
import type { SandboxConfig } from '../../src/environment/sandbox-config.ts'
import { codeOf } from './started.ts'
import { CAPABILITIES, startAndEnd, type Capability, type Suite } from './suite.ts'

const UNKNOWN: [string, object, RegExp][] = [
  ['an unknown field, with the nearest known one', { timeoutMs: 60_000 }, /"timeoutMs".*timeout/],
  ['a value of the wrong kind', { timeout: '1h' }, /timeout/],
  ['a timeout in milliseconds', { timeout: 3_600_000 }, /seconds/],
  ['a timeout of a moment', { timeout: 5 }, /seconds/],
]

/** A configuration that asks for the capability, and how that is refused where there is none. */
const ASKING: Partial<Record<Capability, [SandboxConfig, string]>> = {
  network: [{ network: ['example.org'] }, 'network-needs-wall'],
  trees: [{ localDirs: [[import.meta.dirname, 'given']] }, 'capability-missing'],
  gpu: [{ gpu: 'X999' }, 'gpu-missing'],
  systemPackages: [{ systemPackages: ['graphviz'] }, 'capability-missing'],
  debug: [{ debug: true }, 'capability-missing'],
}

export function refused(suite: Suite): void {
  const check = suite.checks()
  const { capabilities } = suite.backend
  const lacking = CAPABILITIES.flatMap((name) => {
    const asking = capabilities[name] === true ? undefined : ASKING[name]
    return asking ? [{ name, config: asking[0], code: asking[1] }] : []
  })

  describe('refused before anything starts', () => {
    for (const [what, config, message] of UNKNOWN) {
      check(what, async () => {
        const before = await suite.remains()
        await expect(startAndEnd(suite, config)).rejects.toMatchObject({
          code: 'invalid-options',
          message: expect.stringMatching(message),
        })
        expect(await suite.remains()).toEqual(before)
      })
    }

    for (const { name, config, code } of lacking) {
      check(`${name}, since it is lacking (${String(capabilities[name])})`, async () => {
        const before = await suite.remains()
        expect(await codeOf(startAndEnd(suite, config))).toBe(code)
        expect(await suite.remains()).toEqual(before)
      })
    }
  })
}
