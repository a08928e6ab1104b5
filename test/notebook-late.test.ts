/** What a thread puts out after its cell has ended belongs to that cell, is said to be late, and takes nothing away. */
import { expect, test } from 'vitest'
import { startedNotebook } from './fixtures/notebook.ts'
import { lookOf } from '../src/harness/story/look.ts'
import { openStory } from '../src/harness/story/state.ts'
import { storyLines } from '../src/harness/story/story.ts'

const LATE = `from IPython.display import HTML, clear_output, display
import threading, time
go = threading.Event()
shown = display(HTML("<p>first state</p>"), display_id=True)
print("in time")
def later():
    go.wait()
    clear_output()
    print("printed late")
    shown.update(HTML("<p>late state</p>"))
    shown.update(HTML("<p>last late state</p>"))
    done.set()
done = threading.Event()
threading.Thread(target=later).start()`

test('late output: told as news, attached, marked in the notebook, on the page and in the story', async () => {
  await using notebook = await startedNotebook()
  const late = String((await notebook.cell(LATE)).structured['cell'])
  const next = await notebook.cell('go.set()\ndone.wait(30)\ntime.sleep(0.3)\nprint("next")')
  expect(next.text).toMatch(/^\[c3\] ok\.\nnext/)
  const told = [next.text, (await notebook.cell('1')).text].join('\n')
  expect(told.match(/After its end, c2 put out more/g)).toHaveLength(1)

  const again = await notebook.call('wait_cell', { cell: late })
  const expected = "first state\nin time\n[after the cell's end:]\nprinted late\nlast late state"
  expect(again.text).toBe(`[c2] ok.\n${expected}`)
  const whole = await notebook.call('read_output', { cell: late })
  expect(whole.text).toContain(expected)
  const half = await notebook.call('read_output', { cell: late, from: Buffer.byteLength(expected) - 9 })
  expect(half.text).toMatch(/\nate state$/)

  await notebook.end()
  const { outputs } = notebook.file().cells.find(({ id }) => id === late)!
  expect(outputs.map(({ text, data }) => text ?? data?.['text/html'] ?? data?.['text/plain'])).toEqual([
    '<p>first state</p>',
    'in time\n',
    '[what follows came after the cell had ended]',
    'printed late\n',
    '<p>last late state</p>',
  ])
  expect(outputs[2]!.metadata).toEqual({ seer: { mark: true } })

  const page = await notebook.page(late)
  expect(page).toMatch(/in time[^]*after the cell’s end[^]*printed late[^]*last late state/)
  expect(page.match(/after the cell’s end/g)).toHaveLength(1)

  const { events } = await notebook.log()
  const state = openStory(lookOf({ isTTY: false, columns: 100 }))
  const story = events.flatMap((event) => storyLines(state, event)).join('\n')
  expect(story).toMatch(/c2 · after its end\n\s+│ printed late/)
})
