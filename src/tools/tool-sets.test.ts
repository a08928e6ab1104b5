import { expect, test } from 'vitest'
import type { Notebook } from './notebook.ts'
import { toolsOf } from './tool-sets.ts'
import { toolsVersion } from './tool.ts'

/** Tools look at it only when they are called. */
const notebook = { kernel: { session: 's1' } } as Notebook
const namesOf = (set: Parameters<typeof toolsOf>[0]) => toolsOf(set, notebook).map(({ name }) => name)

test('the default set is the one that recordings were made with: a change makes all of them stale', () => {
  expect(namesOf('default')).toEqual([
    'execute_code',
    'add_markdown',
    'edit_cell',
    'wait_cell',
    'read_output',
    'interrupt',
    'restart_kernel',
    'save_artifact',
    'submit_finding',
  ])
  expect(toolsVersion(toolsOf('default', notebook))).toBe('a200f26ab4039fc0')
})

test.each(['default', 'full', 'original'] as const)(
  '%s: each name once, and a description that says more than the name',
  (set) => {
    const tools = toolsOf(set, notebook)
    expect(new Set(namesOf(set)).size).toBe(tools.length)
    for (const { description } of tools) expect(description.length).toBeGreaterThan(60)
  },
)

test.each(['default', 'full', 'original'] as const)('%s: each says what it does to what is there', (set) => {
  for (const { name, annotations } of toolsOf(set, notebook))
    expect({ name, annotations }).toHaveProperty('annotations.title')
})

test('an observer is offered what changes nothing, and runs no code of its own', () => {
  const tools = toolsOf('full', notebook)
  expect(tools.flatMap(({ name, annotations }) => (annotations?.readOnlyHint ? [name] : []))).toEqual([
    'wait_cell',
    'read_output',
    'list_variables',
    'read_notebook',
    'list_files',
    'read_file',
  ])
})

test('the full set has all of the default one', () => {
  expect(namesOf('full')).toEqual(expect.arrayContaining(namesOf('default')))
})

test('the original’s eight names, and the one that ends an experiment', () => {
  expect(namesOf('original')).toEqual([
    'attach_to_session',
    'start_new_session',
    'start_session_resume_notebook',
    'start_session_continue_notebook',
    'execute_code',
    'add_markdown',
    'edit_cell',
    'shutdown_session',
    'submit_finding',
  ])
})
