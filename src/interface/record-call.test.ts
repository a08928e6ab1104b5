import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { eventsOf } from '../../test/fixtures/scoped.ts'
import { newRun } from '../../test/fixtures/memory-run.ts'
import { recordCall } from './record-call.ts'

const SECRET = 'sk-0123456789abcdef'
const PLACE = { buffers: [], data: new Uint8Array() }

test('a secret is hidden before a long text is cut, and in what is kept whole', async () => {
  const run = newRun()
  run.redactor.keep([{ name: 'KEY', value: SECRET }])
  // The cut would go through the middle of it.
  const body = Buffer.from(`${'a'.repeat(4090)}${SECRET}${'b'.repeat(9)}`)
  recordCall(run, 'kit', { function: 'echo', body, ...PLACE }, { from: 'tool', by: 'agent:a' }).end({
    ok: true,
    body,
    ...PLACE,
  })
  const [start, end] = (await eventsOf(run)).slice(-2)
  if (start?.type !== 'call-start' || end?.type !== 'call-end') throw new Error('no call')
  for (const kept of [start.args, end.result!]) {
    expect(kept.text).toBe(`${'a'.repeat(4090)}[secre`)
    const whole = readFileSync(join(run.folder, 'artifacts', kept.sha256!), 'utf8')
    expect(whole).toBe(`${'a'.repeat(4090)}[secret KEY]${'b'.repeat(9)}`)
  }
})
