/** What Seer reads of Python sources without a Python, beside what Python itself says: on its whole standard library. */
import { readFileSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import { ensureEnvironment } from '../src/environment/python-environment.ts'
import { runTool } from '../src/environment/run-tool.ts'
import { docstringAt } from '../src/workspace/python/docstring.ts'
import { functionsOf } from '../src/workspace/python/functions.ts'
import { takenBy } from '../src/workspace/python/module-name.ts'
import { pythonText, tokensOf } from '../src/workspace/python/scan.ts'

let python: string
beforeAll(async () => void ({ python } = await ensureEnvironment()), 900_000)

async function say(code: string): Promise<unknown> {
  const { stdout } = await runTool([python, '-I', '-c', code], { env: process.env })
  return JSON.parse(stdout)
}

const REFERENCE = `
import ast, json, pathlib, sysconfig, warnings
warnings.simplefilter("ignore")

def source_of(lines, node):
    start = min([node.lineno] + [decorator.lineno for decorator in node.decorator_list])
    taken = lines[start - 1 : node.end_lineno]
    taken[-1] = taken[-1].encode()[: node.end_col_offset].decode()
    return "\\n".join(taken)

found = []
for path in sorted(pathlib.Path(sysconfig.get_path("stdlib")).rglob("*.py")):
    if "site-packages" in path.parts:
        continue
    try:
        text = path.read_bytes().decode("utf-8").removeprefix("\\ufeff").replace("\\r\\n", "\\n").replace("\\r", "\\n")
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        continue  # the tests of Python itself have files that are none
    lines = text.split("\\n")
    functions = [
        [node.name, source_of(lines, node), ast.get_docstring(node)]
        for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    found.append([str(path), ast.get_docstring(tree), functions])
print(json.dumps(found))
`

test('docstrings and functions', async () => {
  const files = (await say(REFERENCE)) as [string, string | null, [string, string, string | null][]][]
  const own = files.map(([path]) => {
    const source = pythonText(readFileSync(path))
    const tokens = tokensOf(source)
    const functions = functionsOf(source, tokens).map((f) => [f.name, f.source, f.docstring ?? null])
    return [path, docstringAt(source, tokens) ?? null, functions]
  })
  const wrong = files.filter((file, i) => JSON.stringify(file) !== JSON.stringify(own[i]))
  expect(wrong.map(([path]) => path)).toEqual([])
  expect(files.length).toBeGreaterThan(500)
  expect(files.flatMap(([, , functions]) => functions).length).toBeGreaterThan(2000)
})

test('no name of the standard library or of an installed package is free for a library', async () => {
  const names = await say(`
import importlib.metadata, json, sys
names = {*sys.stdlib_module_names, *importlib.metadata.packages_distributions()}
print(json.dumps(sorted(name for name in names if name.isidentifier())))`)
  // Seldom imported by anyone, and made anew by each release.
  const inner = /^_|^[0-9a-f]{20}/
  const free = (names as string[]).filter((name) => takenBy(name) === undefined && !inner.test(name))
  expect(free).toEqual([])
})
