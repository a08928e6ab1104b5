/** Writes the log of a run with many cells and figures, as a long run would have left it: no kernel, every event checked. */
import { createHash, randomBytes } from 'node:crypto'
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { parseEvent } from '../src/run/events.ts'

const EVENT_MS = 40
const AGENT = 'agent:explorer'
const PLACE = { session: 's1', sandbox: 'sb-bench' }
/** Of noise, so that the files are about as large as plots are: 30 kB stands in the log itself, 100 kB is a file. */
const NOISE_PX = [100, 183] as const

interface LongRun {
  readonly cells: number
  readonly figures: number
}

/** Returns the bytes of its log. */
export async function writeLongRun(folder: string, { cells, figures }: LongRun): Promise<number> {
  mkdirSync(join(folder, 'artifacts'), { recursive: true })
  const path = join(folder, 'events.jsonl')
  let seq = 0
  let bytes = 0
  let lines: string[] = []
  const flush = () => {
    const text = lines.map((line) => `${line}\n`).join('')
    bytes += Buffer.byteLength(text)
    appendFileSync(path, text)
    lines = []
  }
  const emit = (event: object) => {
    seq += 1
    const at = new Date(Date.UTC(2026, 0, 1) + seq * EVENT_MS).toISOString()
    const stamped = { seq, at, run: 'bench', ...event }
    if (parseEvent(stamped).kind !== 'event') throw new Error(`not an event: ${JSON.stringify(stamped).slice(0, 300)}`)
    lines.push(JSON.stringify(stamped))
  }
  emit(START)
  for (let n = 0; n < cells; n++) {
    const stamps = { ...PLACE, cell: `c${n + 1}`, by: AGENT }
    const isFailed = n % 97 === 50
    if (n % 6 === 0) emit({ type: 'agent-message', by: AGENT, role: 'assistant', text: `${WORDS} Step ${n}.` })
    emit({ type: 'cell-start', ...stamps, code: codeOf(n), hidden: false })
    for (const output of outputsOf(n, isFailed)) emit({ type: 'cell-output', ...stamps, output })
    if (figures > 0 && n % Math.ceil(cells / figures) === 0)
      emit({ type: 'cell-output', ...stamps, output: displayOf(await figure(folder, n)) })
    emit({
      type: 'cell-end',
      ...stamps,
      by: 'system',
      status: isFailed ? 'error' : 'ok',
      executionCount: n + 1,
      durationMs: 200,
    })
    if (lines.length > 500) flush()
  }
  emit({ type: 'run-end', by: 'system', status: 'completed', durationMs: seq * EVENT_MS })
  flush()
  return bytes
}

const START = {
  type: 'run-start',
  by: 'system',
  logVersion: 1,
  seer: '0.0.0',
  experiment: 'long',
  profile: null,
  params: {},
  backend: 'local',
  confinement: 'none',
  provider: 'claude',
  seed: 0,
}
const WORDS =
  'The effect at this layer seems larger than at the last one, so I sweep the strength around it and keep the *seed*.'

const codeOf = (n: number) => `# step ${n}
strength = ${n / 10}
for layer in range(${n % 30}, 30):
    effect = measure(layer, strength, seed=PARAMS["seed"])
    if effect > threshold:
        print(f"step ${n}: {effect:.4f}")`

function outputsOf(n: number, isFailed: boolean): object[] {
  const rows = Array.from({ length: 3 + (n % 9) }, (_, i) => `step ${n}.${i}: mean = ${Math.sin(n + i).toFixed(4)}\n`)
  const printed = { output_type: 'stream', name: 'stdout', text: rows.join('') }
  const trace = Array.from({ length: 12 }, (_, i) => `\u001b[32m---> ${i}\u001b[39m     h = h + strength * vector`)
  const error = { output_type: 'error', ename: 'ValueError', evalue: `bad step ${n}`, traceback: trace }
  return isFailed ? [printed, error] : [printed]
}

const displayOf = (png: unknown) => ({
  output_type: 'display_data',
  data: { 'image/png': png, 'text/plain': '<Figure size 640x480 with 1 Axes>' },
  metadata: {},
})

async function figure(folder: string, n: number): Promise<string | object> {
  const side = NOISE_PX[n % 20 === 0 ? 0 : 1]
  const raw = { width: side, height: side, channels: 3 } as const
  const noise = await sharp(randomBytes(side * side * 3), { raw })
    .png()
    .toBuffer()
  const png = await sharp({ create: { width: 640, height: 480, channels: 3, background: '#fff' } })
    .composite([{ input: noise }])
    .png()
    .toBuffer()
  if (side === NOISE_PX[0]) return png.toString('base64')
  const sha256 = createHash('sha256').update(png).digest('hex')
  writeFileSync(join(folder, 'artifacts', sha256), png)
  return { blob: sha256, bytes: png.length, encoding: 'base64' }
}
