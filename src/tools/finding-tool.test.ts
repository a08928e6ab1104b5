import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptEvents } from '../../test/fixtures/memory-run.ts'
import type { By } from '../run/events.ts'
import { callsFindingTool } from './finding-tool.ts'
import { runTool } from './tool.ts'

test('the first of each agent is final, and takes nobody else’s place', async () => {
  const { emit, events } = keptEvents()
  const tools = [callsFindingTool(() => true, z.object({}))]
  const submit = async (by: By, claim: string) => {
    const call = { id: '1', name: 'submit_finding', input: { claim, confidence: 1, calls: ['f1'], answer: {} } }
    const context = { emit, by, signal: new AbortController().signal, storeArtifact: () => '' }
    return (await runTool(tools, call, context)).structured
  }
  expect(await submit('agent:visitor', 'one')).toEqual({ accepted: true })
  expect(await submit('agent:main', 'two')).toEqual({ accepted: true })
  expect(await submit('agent:main', 'three')).toEqual({ error: 'finding-final' })
  const findings = events.flatMap((event) => (event.type === 'finding-submit' ? [[event.by, event.finding.claim]] : []))
  expect(findings).toEqual([
    ['agent:visitor', 'one'],
    ['agent:main', 'two'],
  ])
})
