import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { output, sha256Of } from '../../test/fixtures/memory-host.ts'
import { newFolder } from '../../test/fixtures/memory-run.ts'
import { deadHostConnection } from './dead-host.ts'

const READ = { after: 0, maxBytes: 768 * 1024, waitMs: 0 }
const lineOf = (seq: number, text = 'x') => `${JSON.stringify(output(seq, text))}\n`

function left(text: string): string {
  const folder = newFolder()
  mkdirSync(join(folder, 'blobs'))
  writeFileSync(join(folder, 'journal.jsonl'), text)
  return folder
}

async function seqs(host: ReturnType<typeof deadHostConnection>, params = READ) {
  return (await host.request('journal/read', params)).records.map((record) => (record as { seq: number }).seq)
}

test('reads on from where it is asked to, and again from before', async () => {
  const host = deadHostConnection(left(lineOf(1) + lineOf(2) + lineOf(3)))
  expect(await seqs(host)).toEqual([1, 2, 3])
  expect(await seqs(host, { ...READ, after: 3 })).toEqual([])
  expect(await seqs(host, { ...READ, after: 1 })).toEqual([2, 3])
  expect(await seqs(host, { ...READ, after: 2 })).toEqual([3])
})

test('a journal of many megabytes, in parts that are never too large and lose nothing', async () => {
  const host = deadHostConnection(
    left(Array.from({ length: 60 }, (_, i) => lineOf(i + 1, 'y'.repeat(150_000))).join('')),
  )
  const seen: number[] = []
  for (;;) {
    const { records } = await host.request('journal/read', { ...READ, after: seen.at(-1) ?? 0 })
    if (records.length === 0) break
    expect(JSON.stringify(records).length).toBeLessThan(1024 * 1024)
    seen.push(...records.map((record) => (record as { seq: number }).seq))
  }
  expect(seen).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))
})

test('a reader that has most of it already is given the rest', async () => {
  const folder = left(Array.from({ length: 60 }, (_, i) => lineOf(i + 1, 'y'.repeat(150_000))).join(''))
  expect(await seqs(deadHostConnection(folder), { ...READ, after: 58 })).toEqual([59, 60])
})

test('one record that is larger than was asked for comes alone', async () => {
  const host = deadHostConnection(left(lineOf(1, 'z'.repeat(5000)) + lineOf(2)))
  expect(await seqs(host, { ...READ, maxBytes: 10 })).toEqual([1])
  expect(await seqs(host, { ...READ, after: 1, maxBytes: 10 })).toEqual([2])
})

test('a torn last line is not there, until it is whole', async () => {
  const folder = left(lineOf(1) + lineOf(2).slice(0, 20))
  const host = deadHostConnection(folder)
  expect(await seqs(host)).toEqual([1])
  appendFileSync(join(folder, 'journal.jsonl'), lineOf(2).slice(20))
  expect(await seqs(host, { ...READ, after: 1 })).toEqual([2])
})

test('no journal at all holds no records', async () => {
  expect(await seqs(deadHostConnection(newFolder()))).toEqual([])
})

test('blobs by parts; one that is not there is an error with its name; anything else is not possible any more', async () => {
  const folder = left('')
  const bytes = Buffer.from('0123456789')
  writeFileSync(join(folder, 'blobs', sha256Of(bytes)), bytes)
  const host = deadHostConnection(folder)
  expect(await host.request('blob/read', { sha256: sha256Of(bytes), offset: 8, length: 5 })).toEqual({
    base64: Buffer.from('89').toString('base64'),
    size: 10,
  })
  await expect(host.request('blob/read', { sha256: 'b'.repeat(64), offset: 0, length: 1 })).rejects.toMatchObject({
    code: 'unknown-blob',
  })
  await expect(host.request('blob/read', { sha256: '../journal.jsonl', offset: 0, length: 1 })).rejects.toThrow(
    /sha256|pattern/,
  )
  await expect(host.request('host/shutdown', {})).rejects.toMatchObject({ code: 'sandbox-lost' })
})
