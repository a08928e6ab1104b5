import { mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { beforeEach, expect, test } from 'vitest'
import { newFolder } from '../../test/fixtures/memory-run.ts'
import type { PipConfig } from './package-index.ts'
import { pipInside } from './pip-inside.ts'

const nothing: PipConfig = { extraIndexUrls: [], findLinks: [], trustedHosts: [], noIndex: false }
const always = { PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_NO_INPUT: '1', PIP_NO_CACHE_DIR: '1' }
const confined = { isConfined: true, hasNetwork: false }
let wheels: string
beforeEach(() => {
  wheels = join(newFolder(), 'wheels of mine')
  mkdirSync(wheels)
})

test('folders of wheels are seen in a place that says nothing', () => {
  const findLinks = [wheels, '/none/such', pathToFileURL(wheels).href, 'https://x.test/wheels/']
  expect(pipInside({ ...nothing, findLinks }, confined)).toEqual({
    env: { ...always, PIP_FIND_LINKS: '/opt/packages/0 /opt/packages/2', PIP_NO_INDEX: '1' },
    mounts: [],
    packages: [
      { source: wheels, target: '/opt/packages/0' },
      { source: wheels, target: '/opt/packages/2' },
    ],
  })
})

test('without a wall they are where they are, and nothing is mounted', () => {
  expect(pipInside({ ...nothing, findLinks: [wheels] }, { isConfined: false, hasNetwork: true })).toEqual({
    env: { ...always, PIP_FIND_LINKS: wheels },
    mounts: [],
    packages: [],
  })
})

test('a folder that only root may read is left out where the sandbox is not root', () => {
  const closed = join(newFolder(), 'closed')
  mkdirSync(closed, { mode: 0o700 })
  const findLinks = [closed, wheels]
  const left = process.getuid?.() === 0 ? '/opt/packages/1' : '/opt/packages/0 /opt/packages/1'
  expect(pipInside({ ...nothing, findLinks }, confined).env['PIP_FIND_LINKS']).toBe(left)
  const open = pipInside({ ...nothing, findLinks: [closed] }, { isConfined: false, hasNetwork: false })
  expect(open.env['PIP_FIND_LINKS']).toBe(closed)
})

test.each(['~', '/', dirname(homedir())])(
  '%s is left out: a home, or what holds one, is no folder of wheels',
  (folder) => {
    const { env, packages } = pipInside({ ...nothing, findLinks: [folder, wheels] }, confined)
    expect([env['PIP_FIND_LINKS'], packages]).toEqual([
      '/opt/packages/1',
      [{ source: wheels, target: '/opt/packages/1' }],
    ])
  },
)

test('with a network: indexes and the certificates for them, and what the researcher has forbidden stays so', () => {
  const cert = join(wheels, 'ca.pem')
  writeFileSync(cert, '')
  const pip: PipConfig = {
    indexUrl: 'https://a.test/simple',
    extraIndexUrls: ['http://b.test:81/simple'],
    findLinks: ['https://c.test/wheels/'],
    cert,
    clientCert: cert,
    trustedHosts: ['b.test'],
    noIndex: true,
  }
  expect(pipInside(pip, { isConfined: true, hasNetwork: true })).toEqual({
    env: {
      ...always,
      PIP_INDEX_URL: 'https://a.test/simple',
      PIP_EXTRA_INDEX_URL: 'http://b.test:81/simple',
      PIP_FIND_LINKS: 'https://c.test/wheels/',
      PIP_TRUSTED_HOST: 'b.test',
      PIP_CERT: '/opt/packages/certificates.pem',
      PIP_NO_INDEX: '1',
    },
    mounts: [{ source: cert, target: '/opt/packages/certificates.pem' }],
    packages: [],
  })
  expect(pipInside({ ...pip, findLinks: [] }, confined)).toEqual({
    env: { ...always, PIP_NO_INDEX: '1' },
    mounts: [],
    packages: [],
  })
})

test.each([
  'https://me:hunter2@a.test/simple',
  'https://hunter2@a.test/simple',
  'https://a.test/simple?token=hunter2',
  'ftp://a.test/hunter2',
  'file:///hunter2',
])('%s is not given to the agent’s code', (address) => {
  const pip = { ...nothing, indexUrl: address, extraIndexUrls: [address, 'https://b.test'], findLinks: [address] }
  const { env } = pipInside(pip, { isConfined: true, hasNetwork: true })
  expect(env).toEqual({ ...always, PIP_EXTRA_INDEX_URL: 'https://b.test' })
})
