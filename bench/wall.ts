/**
 * What the wall costs: the first and the second start of a sandbox in a process, the end of one, and a cell, with and without it.
 * Each sample is a process of its own; the two kinds alternate.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { parseArgs } from 'node:util'
import { machineLine, quantile } from './setting.ts'
import type { WallSample } from './wall-sample.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '11' } } })
const rounds = Number(values.rounds)
const KINDS = ['confined', 'unconfined'] as const
const ROWS: readonly [string, keyof WallSample][] = [
  ['first start in a process', 'firstStartMs'],
  ['second start', 'secondStartMs'],
  ['end', 'endMs'],
  ['a cell (`1+1`)', 'cellMs'],
]

const folder = mkdtempSync(join(tmpdir(), 'seer-bench-'))
const samples = { confined: [] as WallSample[], unconfined: [] as WallSample[] }
try {
  for (const kind of KINDS) sample(kind) // Not counted: it fills the disk's cache.
  for (let round = 0; round < rounds; round++) {
    for (const kind of round % 2 === 0 ? KINDS : KINDS.toReversed()) samples[kind].push(sample(kind))
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log('| | confined ms | range | unconfined ms | range | ratio |\n|---|---|---|---|---|---|')
for (const [name, key] of ROWS) {
  const [walled, open] = KINDS.map((kind) => samples[kind].map((one) => one[key]))
  const ratio = quantile(
    walled!.map((ms, round) => ms / open![round]!),
    0.5,
  )
  console.log(`| ${[name, ...cells(walled!), ...cells(open!), ratio.toFixed(2)].join(' | ')} |`)
}
console.log(`\n${rounds} rounds; the ratio is the median of the rounds' own ratios. ${machineLine()}`)

function sample(kind: string): WallSample {
  const argv = ['--conditions=seer-source', join(import.meta.dirname, 'wall-sample.ts'), kind]
  const stdout = execFileSync(execPath, argv, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as WallSample
}

function cells(values: readonly number[]): string[] {
  const digits = quantile(values, 0.5) < 50 ? 1 : 0
  const [least, middle, most] = [0, 0.5, 1].map((q) => quantile(values, q).toFixed(digits))
  return [middle!, `${least}–${most}`]
}
