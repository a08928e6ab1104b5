import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { thrownBy } from '../../../test/fixtures/thrown-by.ts'
import { SeerError } from '../../errors.ts'
import { checkExec, type ExecError, type ExecOutput } from './exec-error.ts'

const GOOD: ExecOutput = { exitCode: 0, signal: null, durationMs: 1234, stdout: '', stderr: '', lostBytes: 0 }
const check = (more: Partial<ExecOutput>, timeout?: number, command = 'make all') =>
  thrownBy(() => checkExec(command, { ...GOOD, ...more }, timeout)) as ExecError

test('what went well throws nothing', () => {
  expect(() => checkExec('x', { ...GOOD, stdout: 'much', stderr: 'a warning' }, 5)).not.toThrow()
})

test.each([
  [{ exitCode: 3 }, undefined, 'exec-failed', '`make all` ended with exit code 3 after 1.2 s.'],
  [{ exitCode: null, signal: 'SIGSEGV' }, undefined, 'exec-failed', '`make all` was ended by SIGSEGV after 1.2 s.'],
  [
    { exitCode: 137, because: 'the sandbox took more than its 4.0 GB of memory' },
    5,
    'exec-failed',
    '`make all` ended with exit code 137 after 1.2 s (the sandbox took more than its 4.0 GB of memory).',
  ],
  [
    { exitCode: null, signal: 'SIGTERM', because: 'it ran longer than 1 s' },
    1,
    'exec-timeout',
    '`make all` ran longer than 1 s, and was ended with all that it had started.',
  ],
  // It caught the signal, and was content.
  [
    { because: 'it ran longer than 1 s' },
    1,
    'exec-timeout',
    '`make all` ran longer than 1 s, and was ended with all that it had started.',
  ],
  [{ lostBytes: 5_000_000 }, undefined, 'exec-output-lost', '`make all` printed more than was kept: 5.0 MB are lost.'],
])('%j with a timeout of %s: %s', (more, timeout, code, message) => {
  const error = check(more, timeout)
  expect(error).toBeInstanceOf(SeerError)
  expect(error).toMatchObject({ name: 'ExecError', code, message, result: { ...GOOD, ...more } })
})

test('the message has the ends of what was printed, in which nothing acts; the error itself has all', () => {
  const stderr = `${'noise\n'.repeat(1000)}\u{1b}[31mError\u{1b}[0m: \u{202e}no\n`
  const { message, result } = check({ exitCode: 1, stderr, stdout: 'half done\n' })
  expect(message).toMatch(
    /^`make all` ended with exit code 1 after 1\.2 s\.\nstderr \(its end\):\n(noise\n){19}Error: /,
  )
  expect(message).toMatch(/no\nstdout:\nhalf done$/)
  for (const acting of ['\u{1b}', '\u{202e}']) expect(message).not.toContain(acting)
  expect(result.stderr).toBe(stderr)
})

test('a long command is shortened, and stands on one line', () => {
  const { message } = check({ exitCode: 1 }, undefined, `\n  for x in a b; do\n\u{1b}[2J${'word '.repeat(100)}`)
  expect(message).toMatch(/^`for x in a b; do (word )+ ?…` ended with exit code 1/)
  expect(message.length).toBeLessThan(300)
})

test('whoever prints the error does not print all that the command printed', () => {
  expect(inspect(check({ exitCode: 1, stdout: 'x'.repeat(1e6) }), { maxStringLength: null }).length).toBeLessThan(5000)
})
