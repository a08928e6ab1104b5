import { expect, test } from 'vitest'
import { openInput } from './attach-input.ts'

const typed = (...lines: string[]) => {
  const input = openInput()
  const whole = lines.flatMap((line) => input.take(line) ?? [])
  return [...whole, ...[input.rest() ?? []].flat()]
}
const code = (text: string) => ({ kind: 'code', code: text })

test.each<[string[], unknown[]]>([
  [['1 + 1'], [code('1 + 1')]],
  [
    ['x = 1', 'y = 2'],
    [code('x = 1'), code('y = 2')],
  ],
  [['', '  ', 'x'], [code('x')]],
  [
    ['for n in x:', '    print(n)', '', 'y'],
    [code('for n in x:\n    print(n)'), code('y')],
  ],
  [['f(', '1,', ')', ''], [code('f(\n1,\n)')]],
  [['f("(")'], [code('f("(")')]],
  [["x = 'a:'"], [code("x = 'a:'")]],
  [['x = {}  # a comment:'], [code('x = {}  # a comment:')]],
  [['@decorate', 'def f():', '    pass', ''], [code('@decorate\ndef f():\n    pass')]],
  [['x = 1 + \\', '2', ''], [code('x = 1 + \\\n2')]],
  [['%%time', 'x', ''], [code('%%time\nx')]],
  [['if x:', '    y'], [code('if x:\n    y')]],
  [['x[1:2]'], [code('x[1:2]')]],
  [[':help'], [{ kind: 'command', name: 'help', text: '' }]],
  [['  :say be quick: now '], [{ kind: 'command', name: 'say', text: 'be quick: now' }]],
  [['if x:', ':say'], [code('if x:\n:say')]],
])('%j', (lines, whole) => expect(typed(...lines)).toEqual(whole))

test('what is not whole can be forgotten', () => {
  const input = openInput()
  input.take('def f():')
  expect(input.pending()).toBe(true)
  input.clear()
  expect(input.pending()).toBe(false)
  expect(input.rest()).toBeUndefined()
})
