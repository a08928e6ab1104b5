/** Experiments travel: the same folder runs anywhere, `seer new` makes a copy that is one's own, and the guide's example works. */
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cell, script } from './fixtures/agent-script.ts'
import { newPlace, plainExperiment, repository, type Ended, type Place } from './fixtures/place.ts'
import { loopbackMessages, type ScriptedAnswer } from './loopback-messages.ts'

const USAGE = 2
const STALE = 4

let place: Place
beforeAll(() => void (place = newPlace('seer trip-')))
afterAll(() => place[Symbol.asyncDispose]())

/** A run by a scripted agent, kept as a recording. */
async function record(folder: string, answers: readonly ScriptedAnswer[], to: string[] = []): Promise<Ended> {
  await using api = await loopbackMessages(answers)
  return await place.seer(
    ['run', folder, '--provider', 'claude', '--record', ...to, '--json', '--output-dir', place.outputs],
    {
      env: { ANTHROPIC_API_KEY: 'any', ANTHROPIC_BASE_URL: api.url },
    },
  ).ended
}

const lastLine = ({ stdout }: Ended) => JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>

describe('one recording plays wherever the folder lies', () => {
  let recording: string
  beforeAll(async () => {
    recording = join(place.root, 'plain.json')
    const made = await record(plainExperiment, script(cell('import lamps\nprint(lamps.lamps(PARAMS["count"]))')), [
      recording,
    ])
    if (made.code !== 0) throw new Error(`no recording was made: ${made.stderr}`)
  })

  test.each<[string, () => string]>([
    ['in the checkout', () => plainExperiment],
    ['in an empty folder', () => copied('empty/mine')],
    [
      'beside a commonjs package.json',
      () => {
        const folder = copied('commonjs/mine')
        for (const where of [folder, join(folder, '..')])
          writeFileSync(join(where, 'package.json'), '{ "name": "other", "type": "commonjs" }\n')
        return folder
      },
    ],
  ])('%s', async (_, folder) => {
    const args = ['run', folder(), '--provider', 'recorded', '--recording', recording, '--json']
    const ended = await place.seer([...args, '--output-dir', place.outputs]).ended
    expect(ended.stderr).not.toMatch(/warning/i)
    expect(ended.code).toBe(0)
    expect(lastLine(ended)).toMatchObject({ status: 'completed', drift: { exact: 3, differs: 0, missing: 0 } })
  })

  function copied(name: string): string {
    const folder = join(place.root, name)
    mkdirSync(folder, { recursive: true })
    cpSync(plainExperiment, folder, { recursive: true })
    return folder
  }
})

describe('the experiment of docs/experiments.md', () => {
  const code = [
    'from extract_activations import extract_activation',
    'from nearness import cosine',
    'texts = ["Yesterday we saw the " + word for word in PARAMS["words"]]',
    'acts = [extract_activation(model, tokenizer, text, PARAMS["layer"]) for text in texts]',
    'for word, act in zip(PARAMS["words"][1:], acts[1:]):',
    '    seer.record({"word": word, "cosine": round(cosine(acts[0], act), 3)}, table="pairs")',
    'print(PARAMS["layer"], len(acts), tuple(acts[0].shape))',
  ].join('\n')
  const finding = { claim: 'The ocean is near the sea.', confidence: 0.5, cells: ['c2'] }
  const copy = () => join(place.root, 'a copy')
  let made: Ended
  let announced: Ended

  beforeAll(async () => {
    const guide = readFileSync(join(repository, 'docs/experiments.md'), 'utf8')
    const folder = join(place.root, 'from the guide')
    mkdirSync(folder)
    for (const [language, file] of Object.entries({ ts: 'experiment.ts', md: 'task.md', py: 'nearness.py' }))
      writeFileSync(join(folder, file), blockOf(guide, language))
    const answer = { nearest: 'ocean', cosine: 0.9 }
    made = await record(folder, script(cell(code), ['submit_finding', { ...finding, answer }]))
    if (made.code !== 0) throw new Error(`the example of the guide failed: ${made.stderr}`)
    announced = await place.seer(['new', copy(), '--from', folder]).ended
  })

  test('runs as it stands there, and can be copied', () => {
    expect(lastLine(made)).toMatchObject({ status: 'completed', cells: 1, errors: 0, findings: 1, recorded: false })
    expect(announced).toMatchObject({ code: 0, stderr: '' })
    expect(announced.stdout).toMatch(/own copies of the toolkit files extract_activations/)
    expect(announced.stdout).toMatch(/Next:[^]*seer run/)
  })

  test('its copy has what it needs, and an editor knows its types', async () => {
    const files = readdirSync(copy(), { recursive: true, encoding: 'utf8' }).filter((name) => /\./.test(name))
    expect(files.sort()).toEqual([
      'README.md',
      'experiment.ts',
      'nearness.py',
      'package.json',
      'recordings/embedded.json',
      'task.md',
      'toolkit/extract_activations.py',
      'tsconfig.json',
    ])
    const tsc = () => promisify(execFile)(join(repository, 'node_modules/.bin/tsc'), ['--noEmit'], { cwd: copy() })
    expect((await tsc()).stdout).toBe('')
    const wrong = join(copy(), 'wrong.ts')
    writeFileSync(
      wrong,
      `import { Sandbox } from 'seer-interp'\nawait Sandbox.start({ models: [{ nam: 'embedded' }] })\n`,
    )
    await expect(tsc()).rejects.toMatchObject({
      stdout: expect.stringMatching(/wrong\.ts\(2,\d+\): error TS\d+.*'nam'/),
    })
    writeFileSync(wrong, '')
  })

  test('its copy plays the recording; its rows become a table', async () => {
    const ended = await place.seer(['run', copy(), '--json', '--output-dir', place.outputs]).ended
    expect(ended.code).toBe(0)
    expect(lastLine(ended)).toMatchObject({ status: 'completed', recorded: true, drift: { exact: 2, differs: 0 } })
    const { stdout, stderr } = await place.seer([
      'results',
      'latest',
      '--table',
      'pairs',
      '--output-dir',
      place.outputs,
    ]).ended
    const [header, ...rows] = stdout.trimEnd().split('\n')
    expect(header).toBe('_run,_experiment,_profile,_params,_provider,_recorded,_table,_seq,_cell,word,cosine')
    expect(rows).toEqual([
      expect.stringMatching(/,recorded,true,pairs,\d+,c2,ocean,-?[01]/),
      expect.stringMatching(/,clock,-?[01]/),
    ])
    expect(stderr).toMatch(/1 of 1 played a recording/)
  })

  test.each<[string, () => string[], RegExp]>([
    ['a parameter', () => ['--set', 'layer=5'], /param layer: 20 → 5/],
    [
      'its own toolkit file',
      () => {
        const own = join(copy(), 'toolkit/extract_activations.py')
        writeFileSync(own, `${readFileSync(own, 'utf8')}\n# changed\n`)
        return []
      },
      /library extract_activations: other content/,
    ],
  ])('after a change of %s the recording is refused', async (_, change, message) => {
    const ended = await place.seer(['run', copy(), ...change(), '--output-dir', place.outputs]).ended
    expect(ended.stderr).toMatch(message)
    expect(ended.code).toBe(STALE)
  })

  test.each<[string, () => string[], RegExp]>([
    ['new into a folder that is not empty', () => ['new', copy(), '--from', 'sandbox-intro'], /is not empty/],
    ['new without --from', () => ['new', join(place.root, 'x')], /--from is missing[^]*sandbox-intro/],
    [
      'new of nothing known',
      () => ['new', join(place.root, 'x'), '--from', 'sandbox-intor'],
      /did you mean "sandbox-intro"/,
    ],
    [
      'new of a folder without experiment',
      () => ['new', join(place.root, 'x'), '--from', place.root],
      /not a folder with an experiment\.ts/,
    ],
    ['a subject that cannot be loaded', () => ['run', copy(), '--subject', 'gpt-9'], /model "gpt-9" cannot be loaded/],
    ['results without a run', () => ['results'], /missing required argument/],
    ['results in an unknown format', () => ['results', 'latest', '--format', 'xls'], /Allowed choices are csv, jsonl/],
  ])('refused: %s', async (_, args, message) => {
    const before = place.runs()
    const ended = await place.seer(args()).ended
    expect(ended.stderr).toMatch(message)
    expect(ended.stderr).not.toMatch(/^\s+at /m)
    expect(ended).toMatchObject({ code: USAGE, stdout: '' })
    expect(place.runs()).toEqual(before)
    expect(existsSync(join(place.root, 'x'))).toBe(false)
  })
})

function blockOf(document: string, language: string): string {
  const block = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(document)?.[1]
  if (block === undefined) throw new Error(`there is no example in ${language}`)
  return block
}
