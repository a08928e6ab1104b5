/** Code connects to what was allowed and to nothing else, and the log has each decision. Nothing here connects to any machine. */
import { describe, expect } from 'vitest'
import { codeOf } from './started.ts'
import { startAndEnd, type Suite } from './suite.ts'

const getting = (url: string) => `import urllib.request
try: urllib.request.urlopen(${JSON.stringify(url)}, timeout=20); print('connected')
except Exception as error: print(error)`

export function network(suite: Suite): void {
  const check = suite.checks('network')

  describe('the network', () => {
    check('by default there is none', async () => {
      await using one = await suite.start()
      expect(await one.says(getting('https://host.invalid/'))).not.toBe('connected')
      expect(await one.says(`import os\nprint('https_proxy' in os.environ)`)).toBe('False')
      expect((await one.log()).of('sandbox-start')).toMatchObject([{ network: 'none' }])
    })

    check('a host that was not named is refused in words, and stands in the log', async () => {
      await using one = await suite.start({ network: ['api.host.invalid'] })
      expect(await one.says(getting('https://other.host.invalid/'))).toContain('other.host.invalid')
      await one.sandbox.terminate()
      const log = await one.log()
      expect(log.of('sandbox-start')).toMatchObject([{ network: ['api.host.invalid'] }])
      expect(log.of('network-connect')).toMatchObject([{ host: 'other.host.invalid', port: 443, allowed: false }])
    })

    check('Seer’s own machine and private addresses are out of reach, also where all is open', async () => {
      await using one = await suite.start({ network: 'open' })
      for (const host of ['127.0.0.2', '10.0.0.1', '169.254.169.254', '[::1]', '[::ffff:127.0.0.1]'])
        expect([host, await one.says(getting(`https://${host}/`))]).not.toEqual([host, 'connected'])
      await one.sandbox.terminate()
      const told = (await one.log()).of('network-connect')
      expect([told.length > 0, told.filter(({ allowed }) => allowed)]).toEqual([true, []])
    })

    check('what is no host is refused before anything starts', async () => {
      const before = await suite.remains()
      for (const host of ['https://api.example.org', 'localhost', '10.0.0.1', '*', 'a b'])
        expect([host, await codeOf(startAndEnd(suite, { network: [host] }))]).toEqual([host, 'network-invalid'])
      expect(await suite.remains()).toEqual(before)
    })
  })
}
