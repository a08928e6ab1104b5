import { createHash } from 'node:crypto'
import { readdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { openArtifacts, type Artifacts } from './artifacts.ts'

let folder: string
let artifacts: Artifacts
beforeEach(() => {
  folder = join(temporaryFolder('seer-artifacts-'), 'artifacts')
  artifacts = openArtifacts(folder)
})

test('the same bytes are one file under their hash', () => {
  const bytes = Buffer.from('hello')
  const sha256 = artifacts.put(bytes)
  expect(sha256).toBe(createHash('sha256').update(bytes).digest('hex'))
  expect(artifacts.put(Uint8Array.from(bytes))).toBe(sha256)
  expect(readdirSync(folder)).toEqual([sha256])
  expect(Buffer.from(artifacts.read(sha256)).toString()).toBe('hello')
  expect(artifacts.problem(sha256)).toBeUndefined()
})

test('a stretch is read by itself, and no further than the end', () => {
  const sha256 = artifacts.put(Buffer.from('0123456789'))
  const read = (from: number, to: number) => Buffer.from(artifacts.read(sha256, { from, to })).toString()
  expect([read(2, 5), read(8, 99), read(50, 60)]).toEqual(['234', '89', ''])
})

test('an empty value is one, too', () => {
  const sha256 = artifacts.put(new Uint8Array())
  expect(artifacts.has(sha256)).toBe(true)
  expect(artifacts.problem(sha256)).toBeUndefined()
})

test('changed and missing bytes are found, and cut ones are put again', () => {
  const bytes = Buffer.alloc(3_000_000, 'x')
  const sha256 = artifacts.put(bytes)
  writeFileSync(artifacts.path(sha256), Buffer.alloc(3_000_000, 'y'))
  expect(artifacts.problem(sha256)).toMatch(/holds other bytes/)
  truncateSync(artifacts.path(sha256), 10)
  artifacts.put(bytes)
  expect(artifacts.problem(sha256)).toBeUndefined()
  expect(artifacts.problem('0'.repeat(64))).toBe('is missing')
})

test('a name that is no hash is no path', () => {
  expect(() => artifacts.path('../events.jsonl')).toThrow(/pattern/)
  expect(() => artifacts.has('../events.jsonl')).toThrow(/pattern/)
})

test('a place that takes nothing ends the run', () => {
  const file = join(temporaryFolder('seer-artifacts-'), 'file')
  writeFileSync(file, '')
  const blocked = openArtifacts(join(file, 'artifacts'))
  expect(() => blocked.put(Buffer.from('x'))).toThrow(
    expect.objectContaining({ code: 'artifact-write-failed', endsRun: true }) as Error,
  )
})
