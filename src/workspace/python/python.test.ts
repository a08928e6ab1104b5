/** Beside what `test/workspace-python.test.ts` compares with Python itself. */
import { expect, test } from 'vitest'
import { docstringAt, moduleDocs } from './docstring.ts'
import { functionsOf } from './functions.ts'
import { NotPython, pythonText, tokensOf } from './scan.ts'

const docs = (source: string) => docstringAt(source, tokensOf(source))

test.each<[string, string | undefined]>([
  ['"""A."""', 'A.'],
  ['\'A\' "B"\n', 'AB'],
  ['("A"\n # c\n "B")', 'AB'],
  ['(("A"))', 'A'],
  ['"A"; x = 1', 'A'],
  ['"A" \\\n "B"', 'AB'],
  ['\n# c\n\f\n"A"', 'A'],
  ['r"\\n"', '\\n'],
  ['u"\\x41\\101\\u0041\\U00000041\\\nB\\q\\"\\\'\\\\"', 'AAAAB\\q"\'\\'],
  ['"""\n    A\n\n      B\n    """', 'A\n\n  B'],
  ['"""A\n\tB\n\t\tC"""', 'A\nB\n        C'],
  ['b"A"', undefined],
  ['f"A"', undefined],
  ['"A" f"B"', undefined],
  ['"A" + "B"', undefined],
  ['"A".strip()', undefined],
  ['"A",', undefined],
  ['("A",)', undefined],
  ['x = "A"', undefined],
  ['import x\n"A"', undefined],
  ['', undefined],
])('the docstring of %j', (source, found) => expect(docs(source)).toBe(found))

test('strings within strings, in the ways of Python 3.12 too', () => {
  const source = `x = f"{a["b"]:{w}}{{" f'{"}"!r:>{n}}' rb'\\'' f'''{
    {1: "}"}["'''"]  # "
}'''
def f(): "A"
`
  expect(functionsOf(source, tokensOf(source))).toEqual([{ name: 'f', source: 'def f(): "A"', docstring: 'A' }])
})

test('functions at the top only, with decorators, to their last statement', () => {
  const source = `@one
@two(
  3)
async def f(a=lambda x: 1, *, b: dict[str, int] = {"k": 2}) -> "x:y":

    """A."""
    def inner(): pass
# a comment of nobody
    return """
not the end
"""
# after it
class C:
    def method(self): pass
if True:
    def hidden(): pass
def g(): pass; x = 1
@lost
y = 2
def h():
\tpass`
  const end = source.indexOf('\n# after it')
  expect(functionsOf(source, tokensOf(source))).toEqual([
    { name: 'f', source: source.slice(0, end), docstring: 'A.' },
    { name: 'g', source: 'def g(): pass; x = 1', docstring: undefined },
    { name: 'h', source: 'def h():\n\tpass', docstring: undefined },
  ])
})

test.each(['"', "'''a", '(', ']', '(]', 'f"{', 'f"{x', 'f"{x:"', 'f"\\N{', 'x = "a\n"'])(
  '%j is no Python',
  (source) => {
    expect(() => tokensOf(source)).toThrow(NotPython)
    expect(moduleDocs(Buffer.from(source))).toBe('')
  },
)

test('bytes: a byte order mark, line ends of other systems, other encodings', () => {
  expect(pythonText(Buffer.from('\uFEFF"A"\r\nx\ry'))).toBe('"A"\nx\ny')
  expect(moduleDocs(Buffer.from('# -*- coding: latin-1 -*-\n"\xe4"', 'latin1'))).toBe('')
})
