/** The introspection experiment as a researcher meets it: played, copied, changed, refused, and live. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseTrajectory } from '../src/harness/trajectory.ts'
import { cell, script, toldOf } from './fixtures/agent-script.ts'
import { newPlace, repository, type Ended, type Place } from './fixtures/place.ts'
import { logOf } from './fixtures/run-folder.ts'
import { loopbackMessages } from './loopback-messages.ts'

const STALE = 4
const folder = join(repository, 'experiments/introspection')

let place: Place
beforeAll(() => void (place = newPlace('seer trip-')))
afterAll(() => place[Symbol.asyncDispose]())

const lastLine = ({ stdout }: Ended) => JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>
const rowsOf = (run: string, table: string) =>
  readFileSync(join(run, 'results', `${table}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

test.each(['embedded', 'quick'])('the recording of "%s" was made with the files as they are', (profile) => {
  const path = join(folder, 'recordings', `${profile}.json`)
  const { madeFor, answeredBy } = parseTrajectory(readFileSync(path, 'utf8'), path)
  expect(answeredBy.knewTruth).toBe(false)
  for (const { name, sha256 } of madeFor.libraries) {
    const where = ['extract_activations', 'steering_hook'].includes(name) ? join(folder, '../toolkit') : folder
    const code = readFileSync(join(where, `${name}.py`))
    expect({ name, sha256: createHash('sha256').update(code).digest('hex') }).toEqual({ name, sha256 })
  }
})

describe('the quick profile, played', () => {
  let ended: Ended
  let run: string
  beforeAll(async () => {
    const args = ['run', 'introspection', '--profile', 'quick', '--json', '--output-dir', place.outputs]
    ended = await place.seer(args).ended
    run = String(lastLine(ended)['folder'])
  })

  test('completes, and its numbers are those of the recording', () => {
    expect(ended.code).toBe(0)
    expect(lastLine(ended)).toMatchObject({
      status: 'completed',
      recorded: true,
      findings: 1,
      drift: { differs: 0, missing: 0 },
    })
  })

  test('each trial number stands once in each arm, and each claim can be read', () => {
    const trials = rowsOf(run, 'trials')
    expect(trials).toHaveLength(6)
    for (const arm of ['concept', 'none', 'random'])
      expect(new Set(trials.filter((row) => row['arm'] === arm).map(({ number }) => number))).toEqual(new Set([1, 2]))
    for (const row of trials) {
      expect(typeof row['text']).toBe('string')
      expect([row['claimed'], row['named'], row['leaked']].every((value) => typeof value === 'boolean')).toBe(true)
    }
  })

  test('what was done is kept: the check, the controls, the figure, the settings', async () => {
    for (const table of ['check', 'yes_bias', 'told']) expect(rowsOf(run, table).length).toBeGreaterThan(0)
    const saved = readdirSync(join(run, 'results'))
    expect(saved).toEqual(expect.arrayContaining(['introspection.png', 'settings.json']))
    const settings = readFileSync(join(run, 'results/settings.json'), 'utf8')
    expect(settings).toContain('a672150fb4f99d7c8f4168cecdd464069c0ef3a37d8113f22ddb9d48031d03cd')
    expect(settings).toContain('"temperature": 0.7')
    const [submitted] = (await logOf(run)).of('finding-submit')
    expect(submitted).toMatchObject({ finding: { answer: { couldHaveBeenSeen: false } } })
  })
})

describe('a copy with other concepts', () => {
  const mine = () => join(place.root, 'elsewhere/mine')
  const changed = ['--set', 'concepts=["rivers","clocks"]']
  beforeAll(async () => {
    const made = await place.seer(['new', mine(), '--from', 'introspection']).ended
    if (made.code !== 0) throw new Error(made.stderr)
  })

  test('is not played from the recording: what differs is named, and nothing was started', async () => {
    const ended = await place.seer(['run', mine(), ...changed, '--output-dir', join(place.root, 'none')]).ended
    expect(ended.code).toBe(STALE)
    expect(ended.stderr).toMatch(/concepts/)
    expect(ended.stderr).toMatch(/rivers/)
    expect(existsSync(join(place.root, 'none'))).toBe(false)
  })

  test('runs with a live agent, on its own files', async () => {
    const code = `
from injection import concept_vectors, layers_at
layers = layers_at(model, PARAMS['depths'])
vectors = concept_vectors(model, tokenizer, PARAMS['concepts'], PARAMS['baselines'][:3], layers, templates=PARAMS['templates'], chat=False)
print(sorted(vectors), layers)`
    await using api = await loopbackMessages(script(cell(code)))
    const args = ['run', mine(), ...changed, '--provider', 'claude', '--json', '--output-dir', place.outputs]
    const env = { ANTHROPIC_API_KEY: 'any', ANTHROPIC_BASE_URL: api.url }
    const ended = await place.seer(args, { env }).ended
    expect(lastLine(ended)).toMatchObject({ status: 'completed', recorded: false, errors: 0 })
    expect(toldOf(api, 1)).toContain("['clocks', 'rivers'] [9, 14, 20]")
  })
})

test('the paper’s profile is refused before anything is installed or fetched, with the reason', async () => {
  const outputs = join(place.root, 'never')
  await using api = await loopbackMessages(script(cell('1')))
  const args = ['run', 'introspection', '--profile', 'paper', '--provider', 'claude', '--output-dir', outputs]
  const env = {
    ANTHROPIC_API_KEY: 'any',
    ANTHROPIC_BASE_URL: api.url,
    SEER_CACHE: join(place.root, 'empty'),
    // No hub: what cannot be known is not waited for. test/models.test.ts has one that says how large the model is.
    HF_ENDPOINT: 'http://127.0.0.1:9',
  }
  const ended = await place.seer(args, { env }).ended
  expect(ended.code).not.toBe(0)
  expect(ended.stderr).toMatch(/google\/gemma-3-27b-it is not in the hub's cache .*cannot be reached/)
  expect(existsSync(join(place.root, 'empty/environments'))).toBe(false)
  expect(api.requests).toHaveLength(0)
})
