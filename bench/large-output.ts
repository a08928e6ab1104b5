/** 100 MB of stdout through the whole path, against jupyter_client receiving the same; and what memory it takes. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { machineLine, openPeer, openSetting } from './setting.ts'

const CODE = 'line = "x" * 99 + "\\n"\nfor _ in range(1_000_000): print(line, end="")'
const ROUNDS = 3

await using setting = await openSetting()
using peer = await openPeer(setting)
console.log('| round | Seer s | jupyter_client s | ratio |')
console.log('|---|---|---|---|')
for (let round = 1; round <= ROUNDS; round++) {
  const ours = (await setting.cell(CODE)) / 1000
  const theirs = await peer.cell(CODE)
  if (theirs.chars !== 100_000_000) throw new Error(`jupyter_client got ${theirs.chars} characters`)
  console.log(
    `| ${round} | ${ours.toFixed(1)} | ${(theirs.ms / 1000).toFixed(1)} | ${(ours / (theirs.ms / 1000)).toFixed(2)} |`,
  )
}
console.log(`\nPeak memory: harness ${peakMiB(process.pid)} MiB${hostPeaks()}\n${machineLine()}`)

function hostPeaks(): string {
  const list = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' }).split('\n')
  const named = ['host', 'relay', 'spawner'].map((name) => {
    const line = list.find((text) => text.includes(`boot.py ${name}`))
    return line ? `, ${name} ${peakMiB(Number.parseInt(line, 10))} MiB` : ''
  })
  return named.join('')
}

function peakMiB(pid: number): number {
  const kib = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(kib) / 1024)
}
