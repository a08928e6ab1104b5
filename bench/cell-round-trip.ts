/** A cell's whole way, sync on, against jupyter_client on the same kernel: interleaved pairs, at different lengths of notebook. */
import { machineLine, openPeer, openSetting, quantile } from './setting.ts'

const PAIRS = 300
const LENGTHS = [1, 100, 1000]

await using setting = await openSetting()
using peer = await openPeer(setting)
for (let i = 0; i < 20; i++) {
  await setting.cell('1+1')
  await peer.cell('1+1')
}
console.log('| cells before | Seer p50 ms | p95 ms | jupyter_client p50 ms | p95 ms | p50 ratio | p95 ratio | pairs |')
console.log('|---|---|---|---|---|---|---|---|')
let cells = 0
for (const length of LENGTHS) {
  for (; cells < length; cells++) await setting.cell('1+1')
  const ours: number[] = []
  const theirs: number[] = []
  for (let i = 0; i < PAIRS; i++) {
    // Which of the two goes first changes, so that neither always finds the kernel warm.
    if (i % 2 === 0) ours.push(await setting.cell('1+1'))
    theirs.push((await peer.cell('1+1')).ms)
    if (i % 2 === 1) ours.push(await setting.cell('1+1'))
  }
  cells += PAIRS
  const [a50, a95, b50, b95] = [
    quantile(ours, 0.5),
    quantile(ours, 0.95),
    quantile(theirs, 0.5),
    quantile(theirs, 0.95),
  ]
  const row = [
    length,
    a50.toFixed(1),
    a95.toFixed(1),
    b50.toFixed(1),
    b95.toFixed(1),
    (a50 / b50).toFixed(2),
    (a95 / b95).toFixed(2),
    PAIRS,
  ]
  console.log(`| ${row.join(' | ')} |`)
}
console.log(`\n${machineLine()}`)
