import { expect, test } from 'vitest'
import { checkCapabilities, notYet } from './capabilities.ts'

const nothing = { systemPackages: [], gpu: null, debug: false }

test('what is not asked for is not refused', () => {
  expect(() => checkCapabilities(nothing)).not.toThrow()
  expect(() => checkCapabilities({ ...nothing, gpu: 'A100', gpuCount: 2 })).not.toThrow()
})

test.each([
  [
    { systemPackages: ['ffmpeg', 'git-lfs'] },
    'capability-missing',
    /systemPackages \(ffmpeg, git-lfs\)/,
    expect.stringContaining('sudo apt install ffmpeg git-lfs'),
  ],
  [{ gpuCount: 2 }, 'invalid-options', /gpuCount: 2/, expect.stringContaining('Give `gpu` its name')],
  [{ gpu: ' - ' }, 'invalid-options', /gpu: " - " is no name/, undefined],
  [{ debug: true }, 'capability-missing', /debug: VS Code/, expect.stringContaining('seer view')],
])('%j', (asked, code, message, hint) => {
  const refused = () => checkCapabilities({ ...nothing, ...asked })
  expect(refused).toThrow(message)
  expect(refused).toThrow(expect.objectContaining({ code, hint }))
})

test('names of the framework that Seer replaces say what to use instead', () => {
  expect(notYet('jupyterUrl')).toMatchObject({ code: 'not-yet', message: expect.stringContaining('jupyterUrl') })
  expect(notYet('codeServerUrl').hint).toContain('session.exec')
})
