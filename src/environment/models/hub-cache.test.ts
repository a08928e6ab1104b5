import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { completeness, findSnapshot, hubCache, rememberListing, type HubWanted } from './hub-cache.ts'
import { hashWeights } from './weights-hash.ts'

const COMMIT = '0123456789abcdef0123456789abcdef01234567'
const SHA = 'ab'.repeat(32)
const EMPTY_TENSORS = Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('{}')])
const wanted: HubWanted = { repo: 'org/name', revision: undefined, kind: 'model' }
const step = { update: () => undefined, done: () => undefined }

let root: string
let repo: string
let snapshot: string
let env: NodeJS.ProcessEnv
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'seer-hub-'))
  repo = join(root, 'models--org--name')
  snapshot = join(repo, 'snapshots', COMMIT)
  env = { SEER_CACHE: join(root, 'seer') }
  for (const folder of [snapshot, join(repo, 'blobs'), join(repo, 'refs')]) mkdirSync(folder, { recursive: true })
  writeFileSync(join(repo, 'refs/main'), COMMIT)
  put('config.json', '{}', 'c0ffee')
  put('tokenizer.json', '{}', 'f00')
  put('tokenizer_config.json', '{}', 'bar')
  put('model.safetensors', EMPTY_TENSORS, SHA)
})
afterEach(() => rmSync(root, { recursive: true }))

/** As the hub's library lays it out: a blob by its hash, and a relative link to it. */
function put(name: string, data: string | Buffer, blob: string): void {
  writeFileSync(join(repo, 'blobs', blob), data)
  symlinkSync(join('../../blobs', blob), join(snapshot, name))
}

const found = async (more: Partial<HubWanted> = {}) => (await findSnapshot(root, { ...wanted, ...more }))!
const stateOf = async (more: Partial<HubWanted> = {}) => completeness(await found(more), { ...wanted, ...more })

test.each([
  [{ HOME: '/h' }, '/h/.cache/huggingface/hub'],
  [{ HOME: '/h', XDG_CACHE_HOME: '/x' }, '/x/huggingface/hub'],
  [{ HOME: '/h', HF_HOME: '/big/hf' }, '/big/hf/hub'],
  [{ HOME: '/h', HF_HOME: '~/hf' }, '/h/hf/hub'],
  [{ HOME: '/h', HF_HOME: '/a', HUGGINGFACE_HUB_CACHE: '/b' }, '/b'],
  [{ HOME: '/h', HUGGINGFACE_HUB_CACHE: '/b', HF_HUB_CACHE: '/c' }, '/c'],
])('where it is with %j', (given, expected) => {
  expect(hubCache(given)).toBe(expected)
})

test('a whole snapshot is found by its branch, by a branch with a slash, and by its commit', async () => {
  mkdirSync(join(repo, 'refs/refs/pr'), { recursive: true })
  writeFileSync(join(repo, 'refs/refs/pr/1'), COMMIT)
  for (const revision of [undefined, 'refs/pr/1', COMMIT])
    expect(await found({ revision })).toEqual({ path: snapshot, commit: COMMIT })
  expect(await stateOf()).toMatchObject({ state: 'complete' })
})

test('another revision, another model, a torn ref: not here', async () => {
  expect(await findSnapshot(root, { ...wanted, revision: 'v2' })).toBeUndefined()
  expect(await findSnapshot(root, { ...wanted, repo: 'org/other' })).toBeUndefined()
  writeFileSync(join(repo, 'refs/main'), COMMIT.slice(0, 10))
  expect(await findSnapshot(root, wanted)).toBeUndefined()
})

test.each<[string, () => void, RegExp]>([
  ['a link without its blob', () => unlinkSync(join(repo, 'blobs', SHA)), /model\.safetensors is missing/],
  ['a blob cut short', () => truncateSync(join(repo, 'blobs', SHA), 9), /no whole safetensors/],
  ['fetched without its tokenizer', () => unlinkSync(join(snapshot, 'tokenizer.json')), /no tokenizer/],
  ['fetched without its settings', () => unlinkSync(join(snapshot, 'tokenizer_config.json')), /tokenizer_config/],
])('not complete: %s', async (_, breakIt, missing) => {
  breakIt()
  expect(await stateOf()).toEqual({ state: 'incomplete', missing: expect.stringMatching(missing) })
})

test('what Seer fetched is held to what the hub listed', async () => {
  await rememberListing(await found(), { files: [{ path: 'chat_template.jinja', size: 3 }] })
  expect(await stateOf()).toMatchObject({ state: 'incomplete', missing: expect.stringContaining('chat_template') })
  put('chat_template.jinja', 'abc', 'baz')
  unlinkSync(join(snapshot, 'tokenizer_config.json'))
  expect(await stateOf()).toMatchObject({ state: 'complete' })
})

test('an adapter that another program fetched may lack its own tokenizer; one that Seer fetched does not', async () => {
  put('adapter_config.json', '{}', 'ac')
  put('adapter_model.safetensors', EMPTY_TENSORS, 'am')
  expect(await stateOf({ kind: 'adapter' })).toMatchObject({ state: 'unknown' })
  await rememberListing(await found(), { files: [{ path: 'adapter_config.json', size: 2 }] })
  expect(await stateOf({ kind: 'adapter' })).toMatchObject({ state: 'complete' })
})

test('the hash of a file in the cache is its name there; of others their bytes; of huge ones, pieces', async () => {
  const file = { name: 'model.safetensors', bytes: EMPTY_TENSORS.length }
  expect(await hashWeights(snapshot, [file], { env }, step)).toEqual({ weightsSha256: SHA, weightsHashFrom: 'hub' })
  const plain = join(root, 'plain')
  mkdirSync(plain)
  writeFileSync(join(plain, 'a'), 'hello')
  writeFileSync(join(plain, 'b'), 'hello')
  const hello = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'
  const [a, b] = [
    { name: 'a', bytes: 5 },
    { name: 'b', bytes: 5 },
  ]
  expect(await hashWeights(plain, [a], { env }, step)).toEqual({ weightsSha256: hello, weightsHashFrom: 'read' })
  const both = await hashWeights(plain, [b, a], { env }, step)
  expect(both).toEqual(await hashWeights(plain, [a, b], { env }, step))
  expect(both.weightsSha256).not.toBe(hello)
  const sampled = await hashWeights(plain, [a], { env }, step, 1)
  expect(sampled).toMatchObject({ weightsHashFrom: 'sampled' })
  expect(sampled.weightsSha256).not.toBe(hello)
})

test('a file that was changed is read again', async () => {
  const file = join(root, 'w')
  writeFileSync(file, 'hello')
  const hash = async () => (await hashWeights(root, [{ name: 'w', bytes: 5 }], { env }, step)).weightsSha256
  const first = await hash()
  expect(await hash()).toBe(first)
  writeFileSync(file, 'jello')
  expect(await hash()).not.toBe(first)
})
