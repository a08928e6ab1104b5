import { homedir } from 'node:os'
import { relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { localPath, pipConfig, uvIndexEnvironment } from './package-index.ts'

const nothing = { extraIndexUrls: [], findLinks: [], trustedHosts: [], noIndex: false }

test.each([
  ['nothing', {}, nothing],
  ['an index', { 'index-url': ' https://a.test/simple\n' }, { ...nothing, indexUrl: 'https://a.test/simple' }],
  ['several, by spaces', { 'find-links': '/a /b' }, { ...nothing, findLinks: ['/a', '/b'] }],
  [
    'several, by lines',
    { 'find-links': '\n/a\nhttps://b.test/x' },
    { ...nothing, findLinks: ['/a', 'https://b.test/x'] },
  ],
  ['no index at all', { 'no-index': 'true' }, { ...nothing, noIndex: true }],
  ['an index after all', { 'no-index': 'false' }, nothing],
])('pip says %s', (_name, settings, expected) => {
  expect(pipConfig(new Map(Object.entries(settings)))).toEqual(expected)
})

test('uv is told the same', () => {
  const pip = {
    ...nothing,
    indexUrl: 'i',
    extraIndexUrls: ['e', 'f'],
    findLinks: [import.meta.dirname, '/none/such', 'https://m.test/wheels'],
    cert: 'c',
    trustedHosts: ['h'],
  }
  expect(uvIndexEnvironment(pip, {})).toEqual({
    UV_DEFAULT_INDEX: 'i',
    UV_EXTRA_INDEX_URL: 'e f',
    UV_INDEX_STRATEGY: 'unsafe-best-match',
    UV_FIND_LINKS: `${import.meta.dirname},https://m.test/wheels`,
    SSL_CERT_FILE: 'c',
    UV_INSECURE_HOST: 'h',
  })
})

test('what the user has set for uv stands', () => {
  const pip = { ...nothing, indexUrl: 'i', extraIndexUrls: ['e'] }
  const own = { UV_INDEX_URL: 'mine', UV_INDEX: 'mine too', UV_INDEX_STRATEGY: 'first-index' }
  expect(uvIndexEnvironment(pip, own)).toEqual(own)
})

test('files and folders are found as pip names them', () => {
  const here = import.meta.dirname
  expect(localPath(here)).toBe(here)
  expect(localPath(pathToFileURL(here).href)).toBe(here)
  expect(localPath(relative(process.cwd(), here))).toBe(here)
  expect(localPath('~')).toBe(homedir())
  for (const none of ['/none/such', 'file:///none/such', 'file://other-machine/tmp', `https://x.test${here}`])
    expect(localPath(none)).toBeUndefined()
})
