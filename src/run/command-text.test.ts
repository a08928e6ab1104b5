import { expect, test } from 'vitest'
import { commandText, failureText } from './command-text.ts'

test.each([
  [['/bin/sh', '-c', 'pip install x'], 'exec', undefined, '$ pip install x'],
  [['/bin/sh', '-c', '\ncd a\nmake\n'], 'spawn', undefined, '$ cd a …'],
  [['/bin/sh', '-c', 'echo "$1"', 'sh', 'two words'], 'exec', undefined, `$ /bin/sh -c 'echo "$1"' sh 'two words'`],
  [['ls', '-l', "it's", '', 'a\nb'], 'exec', undefined, `$ ls -l 'it'\\''s' '' 'a …`],
  [['python', '-'], 'execPython', '\nimport os\nprint(1)\n', 'python: import os …'],
  [['python', '-'], 'execPython', undefined, 'python: '],
  [['/bin/sh', '-c', 'make'], 'install of repo', undefined, 'install of repo: make'],
])('%j for %s', (argv, purpose, input, text) => {
  expect(commandText({ argv, purpose, input })).toBe(text)
})

test.each([
  [{ exitCode: 0, signal: null }, null],
  [{ exitCode: 3, signal: null }, 'exit code 3'],
  [{ exitCode: null, signal: 'SIGKILL' }, 'SIGKILL'],
  [{ exitCode: null, signal: 'SIGTERM', because: 'it ran longer than 5 s' }, 'SIGTERM, it ran longer than 5 s'],
  [{ exitCode: 0, signal: null, because: 'it was asked to end' }, 'exit code 0, it was asked to end'],
  [{ exitCode: null, signal: null, because: 'it was not started: no' }, 'it was not started: no'],
  [{ exitCode: null, signal: null }, 'no exit code'],
])('%j', (end, text) => {
  expect(failureText(end)).toBe(text)
})
