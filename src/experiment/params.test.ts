import { expect, test } from 'vitest'
import { z } from 'zod'
import { thrownBy } from '../../test/fixtures/thrown-by.ts'
import { experiment } from './experiment.ts'
import { renderTask, resolveParams } from './params.ts'

const trial = experiment({
  description: '',
  params: z.object({
    steps: z.int().min(1).max(100).default(10),
    word: z.string().default('sea'),
    words: z.array(z.string()).default([]),
    ratio: z.number().nullable().default(null),
    fast: z.boolean().default(false),
  }),
  profiles: { embedded: {}, paper: { steps: 50, word: 'ocean' } },
  run: () => Promise.reject(new Error('nothing may start here')),
})
const defaults = { steps: 10, word: 'sea', words: [], ratio: null, fast: false }

test.each([
  ['the first profile', {}, [], 'embedded', defaults],
  ['another profile', { profile: 'paper' }, [], 'paper', { ...defaults, steps: 50, word: 'ocean' }],
  ['what is set wins', { profile: 'paper' }, ['steps=7'], 'paper', { ...defaults, steps: 7, word: 'ocean' }],
  ['the last one wins', {}, ['steps=7', 'steps=8'], 'embedded', { ...defaults, steps: 8 }],
  ['text stays text, also where it looks like a number', {}, ['word=8'], 'embedded', { ...defaults, word: '8' }],
  ['text with an equals sign', {}, ['word=a=b'], 'embedded', { ...defaults, word: 'a=b' }],
  ['empty text', {}, ['word='], 'embedded', { ...defaults, word: '' }],
  [
    'JSON',
    {},
    ['words=["a","b"]', 'ratio=0.5', 'fast=true'],
    'embedded',
    { ...defaults, words: ['a', 'b'], ratio: 0.5, fast: true },
  ],
  ['null', {}, ['ratio=null'], 'embedded', defaults],
])('%s', (_, asked, set, profile, params) => {
  expect(resolveParams(trial, { ...asked, set })).toEqual({ profile, params })
})

test.each([
  ['an unknown profile', { profile: 'papr' }, [], 'unknown-profile', /did you mean "paper"/, /embedded, paper/],
  ['a profile that every object has', { profile: 'constructor' }, [], 'unknown-profile', /constructor/, /embedded/],
  ['an unknown parameter', {}, ['stps=3'], 'invalid-options', /no "stps"; did you mean "steps"/, /steps, word/],
  ['a parameter that every object has', {}, ['toString=3'], 'invalid-options', /toString/, /steps/],
  ['a wrong type', {}, ['steps=many'], 'invalid-options', /steps: .*expected number/, /steps/],
  ['part of a number', {}, ['steps=1.5'], 'invalid-options', /steps: .*int/, /steps/],
  ['out of range', {}, ['steps=1000'], 'invalid-options', /steps: .*100/, /steps/],
  ['no assignment', {}, ['steps'], 'invalid-options', /key=value/, /^/],
  ['no name', {}, ['=3'], 'invalid-options', /key=value/, /^/],
])('%s is found before anything starts', (_, asked, set, code, message, hint) => {
  const error = thrownBy(() => resolveParams(trial, { ...asked, set }))
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) as string })
  expect(error.hint ?? '').toMatch(hint)
})

test('a parameter that is no JSON could not be kept with the run', () => {
  const dated = experiment({
    description: '',
    params: z.object({ when: z.string().transform((text) => new Date(text)) }),
    profiles: { p: {} },
    run: () => Promise.resolve(),
  })
  expect(() => resolveParams(dated, { set: ['when=2026'] })).toThrow(
    expect.objectContaining({ code: 'experiment-params', message: expect.stringContaining('when') }) as Error,
  )
})

test.each([
  ['Say {{word}}, {{ word }}.', 'Say sea, sea.'],
  ['Of {{words}} take {{n}}.', 'Of ["a"] take 2.'],
  ['No {{ 1 }} and no { word }.', 'No {{ 1 }} and no { word }.'],
  ['{{cash}}', '$& costs $1'],
])('%s', (template, text) => {
  expect(renderTask(template, { word: 'sea', words: ['a'], n: 2, cash: '$& costs $1' })).toBe(text)
})

test.each([
  ['{{wrod}}', /did you mean "word"/],
  ['{{constructor}}', /constructor/],
])('%s is not a parameter', (template, message) => {
  expect(() => renderTask(template, { word: 'sea' })).toThrow(
    expect.objectContaining({ code: 'task-placeholder', message: expect.stringMatching(message) }) as Error,
  )
})

const withSubject = experiment({
  description: '',
  params: z.strictObject({ model: z.string().default('embedded'), steps: z.int().default(1) }),
  profiles: { embedded: {}, other: { model: 'not-here' } },
  run: () => Promise.reject(new Error('nothing may start here')),
})

test('--subject is the parameter "model", over the profile', () => {
  const { params } = resolveParams(withSubject, { profile: 'other', set: ['steps=2'], subject: 'embedded' })
  expect(params).toEqual({ model: 'embedded', steps: 2 })
})

test.each([
  ['an experiment without one', trial, [], 'embedded', 'invalid-options', /no parameter "model".*--subject embedded/],
  [
    'another model set too',
    withSubject,
    ['model=embedded'],
    'embedded',
    'invalid-options',
    /--subject and --set model/,
  ],
  [
    'a model that cannot be loaded',
    withSubject,
    [],
    'embeded',
    'model-unsupported',
    /"embeded" cannot be loaded.*did you mean "embedded"/,
  ],
])('--subject is refused with %s', (_, which, set, subject, code, message) => {
  const error = thrownBy(() => resolveParams(which, { set, subject }))
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
})

test.each([
  ['by its profile', { profile: 'other', set: [] }],
  ['by --set', { set: ['model=not-here'] }],
])('a subject that cannot be loaded is refused however it is named: %s', (_, asked) => {
  const error = thrownBy(() => resolveParams(withSubject, asked))
  expect(error).toMatchObject({ code: 'model-unsupported', message: expect.stringMatching(/"not-here"/) })
})

test('an unknown parameter in a profile is told as the profile’s', () => {
  const misspelt = { ...trial, profiles: { embedded: { stepz: 2 } } } as unknown as typeof trial
  const error = thrownBy(() => resolveParams(misspelt, { set: [] }))
  expect(error.message).toMatch(/profile "embedded": there is no "stepz"; did you mean "steps"/)
})
