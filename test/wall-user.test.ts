/** Where root runs the tests, the wall is tried by an ordinary user, too. An ordinary user's own run of the suites says the same. */
import { expect, test } from 'vitest'
import { runAsUser } from './fixtures/as-user.ts'

test.runIf(process.getuid?.() === 0)(
  'root’s tests of the wall, as an ordinary user',
  { timeout: 600_000 },
  async () => {
    const { passed, ...rest } = await runAsUser(['test/wall.test.ts', 'test/wall-probes.test.ts', 'src/sandbox'])
    console.log(`as an ordinary user: ${passed} passed`)
    expect(rest).toEqual({ code: 0, said: '', failed: 0 })
    expect(passed).toBeGreaterThan(100)
  },
)
