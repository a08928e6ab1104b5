import { expect, test } from 'vitest'
import { toolFailure } from './setup-failure.ts'

const failed = (stderr: string, exit: { code: number | undefined } = { code: 1 }) =>
  toolFailure({
    tool: 'uv',
    doing: 'installing',
    needed: 'nbformat==5.11.1, torch==2.13.0',
    path: '/cache/environments/ab.building-1',
    result: { exitCode: exit.code, stdout: '', stderr },
  })

test.each([
  ['error: Failed to fetch: `https://index.test/simple/torch/`\n  Caused by: dns error', 'setup-network'],
  ['Failed to establish a new connection: [Errno 111] Connection refused', 'setup-network'],
  ['ERROR: No matching distribution found for uv==0.13.9', 'setup-network'],
  ['OSError: [Errno 28] No space left on device', 'setup-disk-full'],
  ['failed to copy file: Disk quota exceeded (os error 122)', 'setup-disk-full'],
  ['error: something else', 'setup-failed'],
])('%s → %s', (stderr, code) => expect(failed(stderr).code).toBe(code))

test('the package that could not be fetched is named, and what the tool said is shown', () => {
  const { message } = failed('error: Failed to fetch: `https://index.test/simple/torch/`\n  Caused by: dns error')
  expect(message).toContain('could not reach the package index for torch==2.13.0, while installing')
  expect(message).toContain('Caused by: dns error')
})

test('only the end of a long output is shown', () => {
  const { message } = failed(Array.from({ length: 100 }, (_, n) => `line ${n}`).join('\n'))
  expect(message).toContain('line 99')
  expect(message).not.toContain('line 50')
  expect(failed('', { code: undefined }).message).toContain('ended by a signal')
})
