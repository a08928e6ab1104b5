import { expect, test } from 'vitest'
import { runTool } from './run-tool.ts'

const env = { PATH: process.env['PATH'] }

test('a tool that prints without end is ended, and named', async () => {
  await expect(runTool(['yes', 'words'], { env })).rejects.toMatchObject({
    code: 'tool-output',
    message: expect.stringMatching(/more than 64 MiB and was ended: yes words$/),
  })
})

test('what takes its output may have any amount of it, and ends it by an error', async () => {
  let taken = 0
  const onStdout = (text: string) => {
    taken += text.length
    if (taken > 100 * 1024 * 1024) throw new Error('enough')
  }
  await expect(runTool(['yes'], { env, onStdout })).rejects.toThrow('enough')
  const whole = { env, onStdout: (text: string) => (taken = text.length) }
  expect(await runTool(['echo', 'word'], whole)).toEqual({ exitCode: 0, stdout: '', stderr: '' })
  expect(taken).toBe(5)
})
