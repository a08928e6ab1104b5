import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../../test/temporary-folder.ts'
import { stampAll } from '../../../test/generate-log.ts'
import type { EventInput } from '../../run/events.ts'
import { notRepeated, readSource } from './source.ts'

const by = 'system' as const
const start: EventInput = {
  type: 'run-start',
  by,
  logVersion: 1,
  seer: '0.1.0',
  experiment: 'e',
  profile: null,
  params: {},
  backend: 'local',
  confinement: 'bubblewrap',
  provider: 'script',
  seed: 0,
}
const sandbox = (id: string): EventInput => ({
  type: 'sandbox-start',
  by,
  sandbox: id,
  backend: 'local',
  confinement: 'bubblewrap',
  environment: 'e',
  workspacePath: '/workspace',
  attach: {},
})
const session = (id: string, inside: string, kind = 'notebook'): EventInput => ({
  type: 'session-start',
  by,
  session: id,
  sandbox: inside,
  kind,
  toolsVersion: 'v',
  libraries: [],
  models: [],
})
const command = (who: 'researcher' | 'setup'): EventInput => ({
  type: 'process-start',
  by: who,
  process: 'p',
  argv: ['x'],
  cwd: '.',
  purpose: 'exec',
})

function folderOf(...events: (EventInput | { type: string; by: 'system' })[]): string {
  const folder = temporaryFolder()
  const lines = stampAll(events as EventInput[]).map((event) => `${JSON.stringify(event)}\n`)
  writeFileSync(join(folder, 'events.jsonl'), lines.join(''))
  return folder
}

test('sandboxes with their notebooks; one without any is none to be replayed', async () => {
  const source = await readSource(
    folderOf(start, sandbox('a'), session('s1', 'a'), session('s2', 'a'), sandbox('b'), session('s3', 'b', 'cli')),
  )
  expect(source.sandboxes.map(({ id, sessions }) => `${id}: ${sessions.map((one) => one.id).join()}`)).toEqual([
    'a: s1,s2',
  ])
})

test('what a replay does not do again is said', async () => {
  const all = [start, sandbox('a'), session('s1', 'a'), session('s2', 'a'), session('s3', 'a', 'cli')]
  const told = notRepeated(
    await readSource(folderOf(...all, command('researcher'), command('setup'), { type: 'interface-call', by })),
  )
  expect(told).toEqual([
    '1 command that was run beside the cells',
    '1 session that is no notebook',
    'functions that another sandbox exposed: cells that call them fail',
    'the order of cells of different sessions to each other: sessions run one after the other',
  ])
  expect(notRepeated(await readSource(folderOf(start, sandbox('a'), session('s1', 'a'))))).toEqual([])
})
