/** Notebooks of generated logs, judged by Python's nbformat. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { temporaryFolder } from './temporary-folder.ts'
import { checkNbformat } from '../src/run/check-nbformat.ts'
import { notebookFold } from '../src/run/fold-notebook.ts'
import { fold } from '../src/run/fold.ts'
import { NotebookJson } from '../src/run/notebook-json.ts'
import { logs, stampAll } from './generate-log.ts'

/** An interpreter with nbformat. */
const python = process.env['SEER_TEST_PYTHON']
const readBlob = () => Buffer.from('"text"')

function write(name: string, text: string): string {
  const path = join(temporaryFolder('seer-valid-'), name)
  writeFileSync(path, text)
  return path
}

test.skipIf(python === undefined)('every generated log makes a valid notebook (needs SEER_TEST_PYTHON)', async () => {
  for (const events of fc.sample(logs, { numRuns: 40, seed: 1 })) {
    const pieces = new NotebookJson(readBlob).pieces(fold(notebookFold, events))
    const verdict = await checkNbformat(write('notebook.ipynb', Buffer.concat([...pieces]).toString()), python)
    expect(verdict).toEqual({ verdict: 'valid' })
  }
})

test.skipIf(python === undefined)('an invalid notebook is found to be one (needs SEER_TEST_PYTHON)', async () => {
  const state = fold(notebookFold, stampAll([]))
  const text = Buffer.concat([...new NotebookJson(readBlob).pieces(state)]).toString()
  for (const damaged of [text.replace('"source":', '"sauce":'), text.replace('"id":', '"idd":'), text.slice(0, -5)]) {
    expect(await checkNbformat(write('notebook.ipynb', damaged), python)).toMatchObject({ verdict: 'invalid' })
  }
})
