/** A cell that asks for input is told at once that nobody answers, and what to do. */
import { expect, test } from 'vitest'
import { startedNotebook } from './fixtures/notebook.ts'

test('input() in a cell is an error that says what to do, and the next cell runs', async () => {
  await using notebook = await startedNotebook()
  const asked = await notebook.cell('layer = input("Which layer? ")')
  expect(asked.text).toMatch(/^\[c2\] raised an error\./)
  expect(asked.text).toMatch(
    /StdinNotImplementedError: Nobody can answer here: this kernel has no keyboard\. It was asked 'Which layer\?'\. Put the answer into the code/,
  )
  expect(asked.structured['status']).toBe('error')
  // A command of the shell that asks finds its input at its end.
  expect((await notebook.cell('!python3 -c "input()" 2>&1 | tail -1')).text).toContain('EOFError')
  expect((await notebook.cell('layer = 7\nprint(layer)')).text).toBe('[c4] ok.\n7')
})
