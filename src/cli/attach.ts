/** `seer attach`: a person takes part in a live run. What they type runs in its kernel, as theirs; what others do is shown. */
import { createInterface } from 'node:readline'
import { describeError } from '../errors.ts'
import { openLink, type Link } from '../mcp/bridge/link.ts'
import { findTarget, type Target } from '../mcp/bridge/target.ts'
import { endedText } from '../mcp/bridge/words.ts'
import { connectControl } from '../run/control.ts'
import { SEER_VERSION } from '../run/version.ts'
import { personsCells } from './attach-cells.ts'
import { openInput, type Typed } from './attach-input.ts'
import { openScreen } from './attach-screen.ts'
import { notLive } from './not-live.ts'

export interface AttachOptions {
  session?: string
}

// Of lines that fit in 80 columns: a terminal would break them within words.
const HELP = `Python runs in the kernel of the session, as the researcher's; a block ends with
an empty line. While you type, the agents wait before their next step.
Ctrl-C interrupts your cell, or forgets what you typed.
:say TEXT tells the agent something, :quit (or Ctrl-D) leaves; the run goes on.`

export async function attachCommand(run: string | undefined, { session }: AttachOptions): Promise<void> {
  const target = findTarget({ run, role: 'person', session })
  if (!target) throw notLive(run)
  await using link = await openLink(target, { name: 'seer-attach', version: SEER_VERSION })
  await converse(link)
}

/** Until the person leaves, or the run ends. */
async function converse(link: Link): Promise<void> {
  const { target } = link
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY
  const lines = createInterface({ input: process.stdin, output: process.stdout, terminal: isTerminal, prompt: '>>> ' })
  const cells = personsCells(link)
  const screen = openScreen(lines, isTerminal)
  const input = openInput()
  const left = new AbortController()
  let running: AbortController | undefined

  const ended = screen.follow(target.folder, left.signal)
  // Nothing that is asked for is taken for what was there before.
  let work = screen.ready
  const hold = (isHeld: boolean) => cells.hold(isHeld).catch(() => undefined)
  const isIdle = () => !running && !input.pending() && lines.line === ''

  async function runCell(code: string): Promise<void> {
    running = new AbortController()
    try {
      const problem = await cells.run(code, running.signal, screen.say)
      if (problem !== undefined) screen.say(problem)
    } catch (error) {
      if (!running.signal.aborted) throw error
    } finally {
      running = undefined
    }
  }
  async function perform(typed: Typed): Promise<void> {
    try {
      if (typed.kind === 'code') await runCell(typed.code)
      else if (typed.name === 'quit') lines.close()
      else screen.say(await answer(typed, target))
    } catch (error) {
      screen.say(describeError(error))
    }
  }
  function enqueue(typed: Typed | undefined): void {
    screen.ask(input.pending())
    work = work.then(async () => {
      if (typed) await perform(typed)
      // Whoever is not at a keyboard has the floor until all is read.
      if (isTerminal && isIdle()) await hold(false)
    })
  }
  function forget(): void {
    if (running) return running.abort(new DOMException('The cell is interrupted.', 'AbortError'))
    input.clear()
    lines.write(null, { ctrl: true, name: 'u' })
    screen.say('Ctrl-D leaves; the run goes on.')
    screen.ask(false)
    void hold(false)
  }

  const closed = new Promise<void>((resolve) => lines.once('close', resolve))
  lines.on('line', (line) => enqueue(input.take(line)))
  lines.on('SIGINT', forget)
  if (isTerminal) process.stdin.on('keypress', () => void (lines.line !== '' && hold(true)))
  else void hold(true)
  screen.say(`${target.run}, session ${target.server.session ?? '?'}. :help says what can be done here.`)
  screen.ask(false)
  try {
    const byItself = await Promise.race([closed.then(() => false), ended.then(() => true)])
    if (byItself) return screen.say(endedText(target))
    enqueue(input.rest())
    await work
    await screen.settled(target.folder)
  } finally {
    left.abort()
    lines.close()
    await ended
  }
}

async function answer({ name, text }: Extract<Typed, { kind: 'command' }>, { folder }: Target): Promise<string> {
  if (name === 'help') return HELP
  if (name !== 'say') return `There is no :${name}.\n${HELP}`
  using control = await connectControl(folder, { from: 'command' })
  await control.message(text)
  return 'The agent is told before its next step.'
}
