/** The agent's code gets the variables that it was given, the secrets that it was promised, and nothing else of the researcher's. */
import { randomBytes } from 'node:crypto'
import { describe, expect } from 'vitest'
import { codeOf } from './started.ts'
import type { Suite } from './suite.ts'

const NEEDLE = `needle${randomBytes(9).toString('hex')}`
const environ = `import json, os\nprint(json.dumps(dict(os.environ)))`

export function environment(suite: Suite): void {
  const check = suite.checks()

  describe('variables', () => {
    check('those that are given, as they are', async () => {
      const env = { PLAIN: 'value', WITH_SPACE: ' two words ', LINES: 'a\nb', EMPTY: '', QUOTED: `'"$HOME` }
      await using one = await suite.start({ env })
      expect(JSON.parse(await one.says(environ))).toMatchObject(env)
    })

    check('none of the researcher’s own: no key, no token, no home', async () => {
      using _ = variables({ ANTHROPIC_API_KEY: `sk-ant-${NEEDLE}`, SEER_TEST_OTHER: NEEDLE })
      await using one = await suite.start()
      const found = JSON.parse(await one.says(environ)) as Record<string, string>
      expect(JSON.stringify(found)).not.toContain(NEEDLE)
      expect(found).not.toHaveProperty('ANTHROPIC_API_KEY')
      expect(found['HOME']).toBe(one.sandbox.workspacePath)
    })
  })

  describe('secrets', () => {
    check('are there inside, and hidden in the log', async () => {
      using _ = variables({ SEER_TEST_TOKEN: NEEDLE })
      await using one = await suite.start({ secrets: ['SEER_TEST_TOKEN'] })
      const shown = await one.says(`import os\nvalue = os.environ['SEER_TEST_TOKEN']\nprint(len(value), value)`)
      expect(shown).toBe(`${NEEDLE.length} [secret SEER_TEST_TOKEN]`)
      // Also where it was not the sandbox that said it.
      expect(await one.says(`print(len('${NEEDLE}'))`)).toBe(String(NEEDLE.length))
      expect(await one.sandbox.exec(['echo', NEEDLE])).toBe('[secret SEER_TEST_TOKEN]\n')
      const log = await one.log()
      expect(log.of('sandbox-start')).toMatchObject([{ secrets: ['SEER_TEST_TOKEN'] }])
      expect(JSON.stringify(log.events)).not.toContain(NEEDLE)
    })

    check('another sandbox, which does not name it, has it not', async () => {
      using _ = variables({ SEER_TEST_TOKEN: NEEDLE })
      await using other = await suite.start()
      expect(await other.says(`import os\nprint('SEER_TEST_TOKEN' in os.environ)`)).toBe('False')
    })

    check('one that is not set is an error that names it, and nothing is started', async () => {
      const before = await suite.remains()
      await using made = suite.make({ secrets: ['SEER_TEST_ABSENT'] })
      await expect(made.sandbox.start()).rejects.toMatchObject({
        code: 'secret-missing',
        message: expect.stringContaining('SEER_TEST_ABSENT'),
      })
      expect(await codeOf(made.sandbox.readFile('file'))).toBe('sandbox-not-started')
      expect(await suite.remains()).toEqual(before)
    })
  })
}

/** Of the researcher's own process, for a while. */
function variables(values: Readonly<Record<string, string>>): Disposable {
  Object.assign(process.env, values)
  return {
    [Symbol.dispose]() {
      for (const name of Object.keys(values)) delete process.env[name]
    },
  }
}
