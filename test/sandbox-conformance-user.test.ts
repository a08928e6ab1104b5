/** Where root runs the tests, sandboxes are held to their contract by an ordinary user, too. */
import { expect, test } from 'vitest'
import { runAsUser } from './fixtures/as-user.ts'

test.runIf(process.getuid?.() === 0)('the contract, as an ordinary user', { timeout: 900_000 }, async () => {
  const { passed, ...rest } = await runAsUser(['test/sandbox-conformance.test.ts'])
  console.log(`as an ordinary user: ${passed} passed`)
  expect(rest).toEqual({ code: 0, said: '', failed: 0 })
  expect(passed).toBeGreaterThan(150)
})
