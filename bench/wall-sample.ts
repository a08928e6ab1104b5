/** One sample of `wall.ts`: two sandboxes, one after the other, and cells in the second. The last line is what they took, as JSON. */
import { argv } from 'node:process'
import { createNotebookSession, Sandbox, Workspace } from '../src/index.ts'
import { quantile } from './setting.ts'

const CELLS = 100
const WARM_UP = 20

export interface WallSample {
  readonly firstStartMs: number
  readonly secondStartMs: number
  readonly endMs: number
  /** The median. */
  readonly cellMs: number
}

const unconfined = argv[2] === 'unconfined'
// The run stays open between the two, as it would in a script that uses both.
const [first, firstStartMs] = await timed(() => Sandbox.start({ unconfined }))
const [second, secondStartMs] = await timed(() => Sandbox.start({ unconfined }))
const session = await createNotebookSession(second, new Workspace())
const cells: number[] = []
for (let n = 0; n < WARM_UP + CELLS; n++) {
  const [, ms] = await timed(() => session.exec('1+1'))
  if (n >= WARM_UP) cells.push(ms)
}
await second.terminate()
const [, endMs] = await timed(() => first.terminate())
const sample: WallSample = { firstStartMs, secondStartMs, endMs, cellMs: quantile(cells, 0.5) }
console.log(JSON.stringify(sample))

async function timed<T>(what: () => Promise<T>): Promise<[T, number]> {
  const startedAt = performance.now()
  const result = await what()
  return [result, performance.now() - startedAt]
}
