/** The experiment of docs/workspaces.md as it stands there: it runs, its copy has its skills, and a changed skill makes its recording stale. */
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Skill } from '../src/workspace/skill.ts'
import { cell, script } from './fixtures/agent-script.ts'
import { newPlace, repository, type Ended, type Place } from './fixtures/place.ts'
import { loopbackMessages } from './loopback-messages.ts'

const STALE = 4
const CODE = `import cities, legend, extract_activations
print(open('.claude/skills/research-method/SKILL.md').read().split()[1:3], legend.TEXT.strip())
print(helpers.distance(1, 4) * scale, cities.NAMES, open('notes.txt').read(), open('data/a.txt').read())`

let place: Place
let made: Ended
let prompt: string
const folder = () => join(place.root, 'from the guide')
const copy = () => join(place.root, 'a copy')

beforeAll(async () => {
  place = newPlace('seer skills-')
  const files: Record<string, string> = {
    'experiment.ts': blockOf('ts'),
    'skills/reading-maps/SKILL.md': blockOf('md'),
    'skills/reading-maps/legend.py':
      'from pathlib import Path\nTEXT = (Path(__file__).parent / "legend.txt").read_text()\n',
    'skills/reading-maps/legend.txt': 'blue: water\n',
    'helpers.py': '"""Ways."""\n\ndef distance(a, b):\n    """How far b is from a."""\n    return abs(a - b)\n',
    'cities/__init__.py':
      '"""Names of cities."""\nfrom pathlib import Path\nNAMES = (Path(__file__).parent / "names.csv").read_text().split(",")\n',
    'cities/names.csv': 'Ulm,Bonn',
    'notes.txt': 'noted',
    'data/a.txt': 'a',
    'task.md': 'Look at the map.\n',
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder(), path)), { recursive: true })
    writeFileSync(join(folder(), path), text)
  }
  await using api = await loopbackMessages(script(cell(CODE)))
  const args = ['run', folder(), '--provider', 'claude', '--record', '--json', '--output-dir', place.outputs]
  made = await place.seer(args, { env: { ANTHROPIC_API_KEY: 'any', ANTHROPIC_BASE_URL: api.url } }).ended
  prompt = JSON.stringify(api.requests[0])
  if (made.code !== 0) throw new Error(`the example failed: ${made.stderr}`)
})
afterAll(() => place[Symbol.asyncDispose]())

const lastLine = ({ stdout }: Ended) => JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>
const shown = async (...args: string[]) => (await place.seer([...args, '--output-dir', place.outputs]).ended).stdout

test('it runs; the agent is told of libraries and skills, and finds them', async () => {
  expect(lastLine(made)).toMatchObject({ status: 'completed', cells: 1, errors: 0 })
  const story = await shown('show', 'latest')
  expect(story).toMatch(/^ {2}libraries +extract_activations, helpers, cities$/m)
  expect(story).toMatch(/^ {2}skills +research-method, distance, reading-maps$/m)
  const output = await shown('show', 'latest', '--output', 'c4')
  expect(output).toContain("['name:', 'research-method'] blue: water\n6 ['Ulm', 'Bonn'] noted a")
  expect(prompt).toContain('## cities\\n\\nNames of cities.')
  expect(prompt).toContain(`- research-method: ${Skill.builtIn('research-method').description.slice(0, 40)}`)
  expect(prompt).toContain('- distance: How far b is from a.')
})

test('its copy has Seer’s skills too, plays the recording, and refuses it once a skill has changed', async () => {
  const announced = await place.seer(['new', copy(), '--from', folder()]).ended
  expect(announced).toMatchObject({ code: 0, stderr: '' })
  expect(announced.stdout).toMatch(/own copies of the skills research-method, in skills\//)
  expect(readdirSync(join(copy(), 'skills')).sort()).toEqual(['reading-maps', 'research-method'])
  const play = () => place.seer(['run', copy(), '--json', '--output-dir', place.outputs]).ended
  const played = await play()
  expect(played.code).toBe(0)
  expect(lastLine(played)).toMatchObject({ status: 'completed', recorded: true, drift: { exact: 4, differs: 0 } })

  appendFileSync(join(copy(), 'skills/reading-maps/legend.txt'), 'green: woods\n')
  const stale = await play()
  expect(stale.code).toBe(STALE)
  expect(stale.stderr).toMatch(/skill reading-maps: other content/)
})

function blockOf(language: string): string {
  const guide = readFileSync(join(repository, 'docs/workspaces.md'), 'utf8')
  const block = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(guide)?.[1]
  if (block === undefined) throw new Error(`there is no example in ${language}`)
  return block
}
