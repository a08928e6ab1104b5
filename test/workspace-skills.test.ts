/** The skills that Seer brings: all code in them runs as it stands, in order, behind the wall, next to the embedded model. */
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Sandbox } from '../src/environment/sandbox.ts'
import { Run } from '../src/run/run.ts'
import { createNotebookSession, type NotebookSession } from '../src/session/notebook-session.ts'
import { Library } from '../src/workspace/library.ts'
import { Skill } from '../src/workspace/skill.ts'
import { Workspace } from '../src/workspace/workspace.ts'
import { newFolder, START } from './fixtures/memory-run.ts'
import { killAll, processesOf } from './fixtures/processes.ts'
import { ownState } from './fixtures/walled.ts'

let root: string
let run: Run
let sandbox: Sandbox
let session: NotebookSession
beforeAll(async () => {
  root = ownState()
  run = Run.create(newFolder(), { ...START, confinement: 'bubblewrap' })
  sandbox = await Sandbox.start({ models: [{ name: 'embedded' }] }, { run, progress: () => undefined })
  const libraries = ['extract_activations', 'steering_hook'].map((name) => Library.toolkit(name))
  const skills = ['steering', 'research-method'].map((name) => Skill.builtIn(name))
  session = await createNotebookSession(sandbox, new Workspace({ libraries, skills }))
}, 900_000)
afterAll(async () => {
  await sandbox.terminate()
  await run.end('completed')
  await killAll(() => processesOf(root))
  rmSync(root, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

const codeOf = (skill: string) =>
  [...Skill.builtIn(skill).instructions.matchAll(/```python\n([^]*?)```/g)].map(([, code]) => code!)

async function says(code: string): Promise<string> {
  const { status, text } = await session.exec(code)
  if (status !== 'ok') throw new Error(`the cell ended with ${status}: ${text}`)
  return text
}

test('steering', { timeout: 900_000 }, async () => {
  const blocks = codeOf('steering')
  expect(blocks).toHaveLength(6)
  const [first, norms, direction, write, choose, result] = blocks as [string, string, string, string, string, string]
  // A smaller grid: nine cells take minutes on a busy machine.
  const grid = 'DEPTHS, STRENGTHS = [0.35, 0.5, 0.7], [0.3, 0.6, 0.9]'
  expect(first).toContain(grid)
  await says(first.replace(grid, 'DEPTHS, STRENGTHS = [0.5, 0.7], [0.3]'))

  const [, firstToken, secondToken] = /^block 15: \[(\d+), (\d+)/m.exec(await says(norms))!.map(Number)
  expect(firstToken! / secondToken!).toBeGreaterThan(50)

  const cosines = numbersIn(await says(direction))
  const halves = cosines['two halves of the templates']!
  const others = cosines['the other concept']!
  expect(Math.min(...halves)).toBeGreaterThan(0.7)
  expect(Math.max(...others)).toBeLessThan(0.5)

  await says(write)
  expect(await says(choose)).toMatch(/^chosen: block \d+ strength 0\.3 $/m)
  const counted = await says(result)
  const hits = Object.fromEntries(
    [...counted.matchAll(/^(\w+): the ocean (\d+) of (\d+) \(0\.\d\d to [01]\.\d\d\)/gm)].map(([, arm, k, n]) => [
      arm,
      { k: Number(k), n: Number(n) },
    ]),
  )
  expect(hits).toMatchObject({ none: { n: 8 }, concept: { n: 8 }, other: { n: 8 }, random: { n: 24 } })
  expect(hits['concept']!.k / 8).toBeGreaterThan(hits['random']!.k / 24)
})

test('what it says of a mean that holds the first token', { timeout: 900_000 }, async () => {
  const code = `def held(thing):
    def mean(things):
        return extract_activations(model, tokenizer, [t.format(x) for x in things for t in TEMPLATES], [14, 20], "mean").mean(0)
    return mean([thing]) - mean(BASELINES)
print("cosines", cosine(held("the ocean"), held("music")).tolist(), cosine(held("music"), held("law")).tolist())`
  for (const cosine of numbersIn(await says(code))['cosines']!) expect(Math.abs(cosine)).toBeGreaterThan(0.9)
})

test('research-method', async () => {
  const [code, ...others] = codeOf('research-method')
  expect(others).toEqual([])
  expect(
    await says(`${code}\nprint(*(round(x, 4) for k, n in [(4, 8), (0, 10), (10, 10)] for x in wilson(k, n)))`),
  ).toMatch(
    // Wilson 1927: of 0 in 10 the upper end is z² / (10 + z²).
    /^0\.2152 0\.7848 0\.0 0\.2775 0\.7225 1\.0\s*$/,
  )
  expect(Skill.builtIn('research-method').instructions.split('\n').length).toBeLessThan(150)
})

/** Of each line `words [1.0, 2.0] [3.0]` the numbers, by its words. */
function numbersIn(text: string): Record<string, number[]> {
  const lines = text.split('\n').flatMap((line) => {
    const found = /^([a-z ]+?) (\[.*)$/.exec(line)
    return found ? [[found[1]!, found[2]!.match(/-?[\d.]+(?:e-?\d+)?/g)!.map(Number)] as const] : []
  })
  return Object.fromEntries(lines)
}
