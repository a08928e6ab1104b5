import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { networkSchema } from '../channel/protocol.ts'
import { SeerError } from '../errors.ts'
import { isPublicAddress, NOT_PUBLIC, PUBLIC_IPV6 } from './network-address.ts'
import { checkNetworkIsHeld, networkEnvironment, parseNetwork } from './network.ts'

const hostsOf = (...entries: string[]) => parseNetwork(entries).rules!.hosts.map(({ name, port }) => `${name} ${port}`)

describe('what may be asked for', () => {
  test('nothing, everything public, hosts', () => {
    expect(parseNetwork('none')).toEqual({ rules: null, told: 'none' })
    expect(parseNetwork([])).toEqual({ rules: null, told: 'none' })
    expect(parseNetwork('open')).toEqual({ rules: { open: true, hosts: [] }, told: 'open' })
    expect(parseNetwork(['API.OpenAI.com', '*.huggingface.co:443', 'api.openai.com'])).toEqual({
      rules: {
        open: false,
        hosts: [
          { name: 'api.openai.com', port: 443, private: false },
          { name: 'api.openai.com', port: 80, private: false },
          { name: '*.huggingface.co', port: 443, private: false },
        ],
      },
      told: ['api.openai.com', '*.huggingface.co:443'],
    })
  })

  test.each([
    ['api.openai.com.', 'api.openai.com 443'],
    ['api.openai.com:8443', 'api.openai.com 8443'],
    ['a_b.example.org:1', 'a_b.example.org 1'],
    ['bücher.example', 'xn--bcher-kva.example 443'],
    ['*.BÜCHER.example', '*.xn--bcher-kva.example 443'],
    ['例え.example。', 'xn--r8jz45g.example 443'],
    ['1.1.1.1', '1.1.1.1 443'],
    ['1.1.1.1:53', '1.1.1.1 53'],
    ['2606:4700:4700::1111', '2606:4700:4700::1111 443'],
    ['[2606:4700:4700::1111]', '2606:4700:4700::1111 443'],
    ['[2606:4700:4700::ABCD]:8443', '2606:4700:4700::abcd 8443'],
  ])('%s', (entry, first) => {
    const network = parseNetwork([entry])
    expect(hostsOf(entry)[0]).toBe(first)
    expect(networkSchema.parse(network.rules)).toEqual(network.rules)
    expect(parseNetwork(network.told), 'what the log says can be asked for again').toEqual(network)
  })

  test.each([
    ['', 'is empty'],
    ['https://api.openai.com/v1', 'is a URL', '"api.openai.com"'],
    ['http://api.openai.com:8080', 'is a URL', '"api.openai.com:8080"'],
    ['api.openai.com/v1', 'has a path', '"api.openai.com"'],
    ['api.openai.com?x', 'has a path'],
    ['api.openai.com\\x', 'has a path'],
    ['me@api.openai.com', 'has a user'],
    [' api.openai.com', 'has a space'],
    ['api.openai.com\n', 'has a space or a line end'],
    ['a.example b.example', 'has a space'],
    ['*', 'is every host', "network: 'open'"],
    ['*:443', 'is every host'],
    ['*example.org', 'has a * that is not its first part'],
    ['www.*.example.org', 'has a * that is not its first part'],
    ['*.*.example.org', 'has a * that is not its first part'],
    ['*.com', 'is far too wide'],
    ['localhost', 'is this machine'],
    ['LOCALHOST.:443', 'is this machine'],
    ['a.localhost', 'is this machine'],
    ['intranet', 'has no dot'],
    ['api.openai.com:0', 'has the port 0'],
    ['api.openai.com:65536', 'has the port 65536'],
    ['api.openai.com:https', 'is not a host, or a host and a port'],
    ['api.openai.com:', 'is not a host, or a host and a port'],
    ['a:b:c', 'is not a host, or a host and a port'],
    ['[api.openai.com]:443', 'has brackets'],
    ['[1.1.1.1]', 'has brackets'],
    ['..', 'is no name'],
    ['a..b', 'is no name'],
    ['-a.example', 'is no name'],
    [`${'a'.repeat(64)}.example`, 'is no name'],
    ['a%2e.example', 'is no name'],
    ['127.0.0.1', 'is not a public address'],
    ['10.1.2.3:443', 'is not a public address'],
    ['169.254.169.254', 'is not a public address'],
    ['[::1]:443', 'is not a public address'],
    ['::ffff:1.1.1.1', 'is not a public address'],
    ['2130706433', 'ends in a number'],
    ['0x7f.1', 'ends in a number'],
    ['0177.0.0.1', 'ends in a number'],
    ['１２７.0.0.1', 'ends in a number'],
    ['example.123', 'ends in a number'],
  ])('not %j', (entry, what, hint = '') => {
    const error = thrown(() => parseNetwork(['api.openai.com', entry]))
    expect(error).toMatchObject({ code: 'network-invalid' })
    expect(error.message).toContain(`network: ${JSON.stringify(entry)} ${what}`)
    expect(error.hint).toContain(hint)
  })
})

function thrown(act: () => unknown): SeerError {
  try {
    act()
  } catch (error) {
    if (error instanceof SeerError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

test('without a wall only the default can be asked for', () => {
  checkNetworkIsHeld('none', false)
  for (const option of ['none', 'open', ['api.openai.com']] as const) checkNetworkIsHeld(option, true)
  for (const option of ['open', ['api.openai.com']] as const)
    expect(thrown(() => checkNetworkIsHeld(option, false))).toMatchObject({ code: 'network-needs-wall' })
})

test('what programs inside are told', () => {
  expect(networkEnvironment(parseNetwork('none'))).toEqual({})
  const some = networkEnvironment(parseNetwork(['api.openai.com']), false)
  expect(some).toEqual({
    HTTP_PROXY: 'http://127.0.0.1:3128',
    http_proxy: 'http://127.0.0.1:3128',
    HTTPS_PROXY: 'http://127.0.0.1:3128',
    https_proxy: 'http://127.0.0.1:3128',
    NO_PROXY: 'localhost,127.0.0.1,::1',
    no_proxy: 'localhost,127.0.0.1,::1',
  })
  const online = { HF_HUB_OFFLINE: '0', TRANSFORMERS_OFFLINE: '0' }
  expect(networkEnvironment(parseNetwork('open'), true)).toMatchObject({ ...online, SSL_CERT_FILE: expect.any(String) })
  expect(networkEnvironment(parseNetwork(['huggingface.co']), false)).toEqual({ ...some, ...online })
})

test('the port and the lists of addresses are those of the proxy', () => {
  const python = (name: string) => readFileSync(join(import.meta.dirname, '../../python/seer_host', name), 'utf8')
  const networks = [...python('network_address.py').matchAll(/"([0-9a-f:.]+\/\d+)"/g)].map(([, text]) => text)
  expect(new Set(networks)).toEqual(new Set([...NOT_PUBLIC, PUBLIC_IPV6, '64:ff9b::/96']))
  expect(networkEnvironment(parseNetwork('open'))['HTTPS_PROXY']).toMatch(/:3128$/)
  expect(python('network_forward.py')).toContain('\nPORT = 3128\n')
})

test.each([
  ['1.1.1.1', true],
  ['172.15.255.255', true],
  ['172.16.0.0', false],
  ['223.255.255.255', true],
  ['224.0.0.1', false],
  ['2a00::1', true],
  ['fe80::1', false],
  ['fe80::1%lo', false],
  ['64:ff9b::1.1.1.1', false],
  ['::', false],
  ['no address', false],
])('%s is public: %s', (address, expected) => {
  expect(isPublicAddress(address)).toBe(expected)
})
