/** Several sessions of one sandbox work at once: each with a kernel and an output of its own. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createNotebookSession, Workspace } from '../src/index.ts'
import { checkRun } from '../src/run/check.ts'
import { crossTalk, talkAtOnce } from './fixtures/cross-talk.ts'
import { startTried } from './fixtures/walled.ts'

test('four at once: what each prints is its own, in the log and in the notebook', async () => {
  const tried = await startTried({ unconfined: false })
  const { sandbox, run } = tried
  const more = await Promise.all(Array.from({ length: 3 }, () => createNotebookSession(sandbox, new Workspace())))
  const sessions = [tried.session, ...more]
  await Promise.all(sessions.map((session, i) => session.exec(`mine = ${i}`)))
  const said = await talkAtOnce(sessions, 3, 40)
  const kept = await Promise.all(sessions.map((session) => session.exec('mine')))
  expect(kept.map(({ text }) => text.trim())).toEqual(['0', '1', '2', '3'])
  await tried[Symbol.asyncDispose]()
  await run.end('completed')

  expect(await crossTalk(run.folder, said)).toEqual([])
  expect((await checkRun(run.folder)).problems).toEqual([])
  // It would be seen: a line of one that stands with another.
  const log = join(run.folder, 'events.jsonl')
  const [mine, other] = said
  const lines = readFileSync(log, 'utf8').split('\n')
  const at = lines.findIndex((line) => line.includes(mine!.token) && line.includes('"cell-output"'))
  lines[at] = lines[at]!.replace(`"session":"${mine!.session}"`, `"session":"${other!.session}"`)
  writeFileSync(log, lines.join('\n'))
  const seen = await crossTalk(run.folder, said)
  expect(seen.map((one) => one.split(' ', 2).join(' '))).toEqual([`log: ${mine!.session}`, `log: ${other!.session}`])
})
