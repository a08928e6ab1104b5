import { expect, test } from 'vitest'
import { parsePipConfig, uvIndexEnvironment } from './package-index.ts'

const nothing = { extraIndexUrls: [], findLinks: [], trustedHosts: [], noIndex: false }

test.each([
  ['nothing', '', nothing],
  ['an index', "global.index-url='https://a.test/simple'", { ...nothing, indexUrl: 'https://a.test/simple' }],
  ['several, by spaces', "global.find-links='/a /b'", { ...nothing, findLinks: ['/a', '/b'] }],
  [
    'several, by lines',
    "global.find-links='\\n/a\\nhttps://b.test/x'",
    { ...nothing, findLinks: ['/a', 'https://b.test/x'] },
  ],
  ['the environment before files', "global.cert='/a'\n:env:.cert='/b'", { ...nothing, cert: '/b' }],
  ['install before global', "install.cert='/b'\nglobal.cert='/a'", { ...nothing, cert: '/b' }],
  ['double quotes', `global.cert="/it's"`, { ...nothing, cert: "/it's" }],
  ['no index at all', "global.no-index='true'", { ...nothing, noIndex: true }],
  ['noise', "WARNING: x\ndownload.cert='/a'", nothing],
])('pip says %s', (_name, text, expected) => {
  expect(parsePipConfig(text)).toEqual(expected)
})

test('uv is told the same', () => {
  const pip = {
    ...nothing,
    indexUrl: 'i',
    extraIndexUrls: ['e', 'f'],
    findLinks: ['/l', 'm'],
    cert: 'c',
    trustedHosts: ['h'],
  }
  expect(uvIndexEnvironment(pip, {})).toEqual({
    UV_DEFAULT_INDEX: 'i',
    UV_EXTRA_INDEX_URL: 'e f',
    UV_INDEX_STRATEGY: 'unsafe-best-match',
    UV_FIND_LINKS: '/l,m',
    SSL_CERT_FILE: 'c',
    UV_INSECURE_HOST: 'h',
  })
})

test('what the user has set for uv stands', () => {
  const pip = { ...nothing, indexUrl: 'i', extraIndexUrls: ['e'] }
  const own = { UV_INDEX_URL: 'mine', UV_INDEX: 'mine too', UV_INDEX_STRATEGY: 'first-index' }
  expect(uvIndexEnvironment(pip, own)).toEqual(own)
})
