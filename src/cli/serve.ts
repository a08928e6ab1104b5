/** `seer serve`: an interface, tried by hand before an agent gets it. */
import { basename } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { confinementOfRun } from '../environment/choose-confinement.ts'
import { describeError } from '../errors.ts'
import { lookOf, linesOf, behind } from '../harness/story/look.ts'
import { forModel } from '../interface/for-model.ts'
import type { Interface } from '../interface/interface.ts'
import { ScopedSandbox } from '../interface/scoped-sandbox.ts'
import { newRunFolder } from '../run/paths.ts'
import { Run } from '../run/run.ts'
import { SEER_VERSION } from '../run/version.ts'
import { untilSignal } from './until-signal.ts'

export interface ServeFlags {
  name?: string
  model: string[]
  package: string[]
  call?: string
  unconfined?: boolean
  outputDir: string
}

const HELP = 'FUNCTION {"argument": value}   ·   reload   ·   help   ·   quit'

export async function serveCommand(file: string, flags: ServeFlags): Promise<void> {
  const { name = basename(file, '.py'), unconfined = false } = flags
  await untilSignal(async (signal) => {
    const run = await openRun(name, flags, signal)
    let problem: unknown
    try {
      const config = {
        models: flags.model.map((model) => ({ name: model })),
        pythonPackages: flags.package,
        unconfined,
      }
      await using scoped = await ScopedSandbox.start(config, { run, signal })
      void showPrinted(run)
      await scoped.serve(file, { exposeAs: 'prompt', name })
      const served = scoped.served(name)
      if (flags.call === undefined) await talk(served, signal)
      else if (!(await callByHand(served, flags.call, signal))) process.exitCode = 1
    } catch (error) {
      problem = error
      throw error
    } finally {
      await run.end(problem === undefined ? 'completed' : signal.aborted ? 'interrupted' : 'failed', problem)
    }
  })
}

async function openRun(name: string, { unconfined = false, outputDir }: ServeFlags, signal: AbortSignal): Promise<Run> {
  const confinement = await confinementOfRun(unconfined)
  const facts = { experiment: `serve-${name}`, profile: null, params: {}, backend: 'local', provider: 'none', seed: 0 }
  const folder = newRunFolder(outputDir, facts.experiment, new Date())
  return Run.create(folder, { seer: SEER_VERSION, ...facts, confinement }, signal)
}

/** What the file prints, as it comes. */
async function showPrinted(run: Run): Promise<void> {
  const { dim } = lookOf(process.stdout).colors
  for await (const event of run.events()) {
    if (event.type !== 'interface-output') continue
    const lines = linesOf(event.text.replace(/\n$/, ''))
    process.stderr.write(`${lines.map((line) => dim(`│ ${line}`)).join('\n')}\n`)
  }
}

/** Line by line from stdin, until its end. */
async function talk(served: Interface, signal: AbortSignal): Promise<void> {
  describe(served)
  const { isTTY } = process.stdin
  const lines = createInterface(isTTY ? { input: process.stdin, output: process.stdout } : { input: process.stdin })
  // What is piped in has ended before it is answered.
  const prompt = () => void (isTTY && process.stdout.write('> '))
  signal.addEventListener('abort', () => lines.close(), { once: true })
  // Ctrl-C stops the call that runs; where none does, it ends.
  let stop: AbortController | undefined
  lines.on('SIGINT', () => (stop ? stop.abort() : lines.close()))
  prompt()
  for await (const line of lines) {
    const said = line.trim()
    if (said === 'quit' || said === 'exit') break
    if (said === 'help') describe(served)
    else if (said === 'reload') await reload(served)
    else if (said !== '') {
      stop = new AbortController()
      await callByHand(served, said, AbortSignal.any([stop.signal, signal]))
      stop = undefined
    }
    if (signal.aborted) break
    prompt()
  }
  lines.close()
}

function describe({ name, description }: Interface): void {
  const look = lookOf(process.stdout)
  const { bold, dim } = look.colors
  const print = (lines: readonly string[]) => process.stdout.write(`${lines.join('\n')}\n`)
  print([
    '',
    bold(name),
    ...behind(look, '  ', description.doc === '' ? [] : linesOf(description.doc), { fold: 'words' }),
  ])
  for (const one of description.functions) {
    const how = [one.concurrent ? 'several at once' : 'one at a time', `at most ${one.seconds} s`].join(', ')
    print([
      '',
      ...behind(look, '  ', linesOf(one.name + one.signature), { fold: 'words' }),
      ...behind(look, '      ', one.doc === '' ? [] : linesOf(one.doc), { fold: 'words' }),
      dim(`      ${how}`),
    ])
  }
  print(['', dim(HELP)])
}

/** What is wrong with the file now is no reason to end. */
async function reload(served: Interface): Promise<void> {
  try {
    await served.load()
    describe(served)
  } catch (error) {
    process.stdout.write(`${linesOf(describeError(error)).join('\n')}\n`)
  }
}

/** Whether it went well. */
async function callByHand(served: Interface, said: string, signal: AbortSignal): Promise<boolean> {
  const [, called = '', given = ''] = /^([^\s{(]+)\s*([^]*)$/.exec(said) ?? []
  const body = given.trim() === '' ? '{}' : given.trim()
  const print = (text: string) => process.stdout.write(`${linesOf(text).join('\n')}\n`)
  if (!isObject(body)) {
    print(`The arguments are a JSON object: ${called} {"argument": value}`)
    return false
  }
  const call = { function: called, body: Buffer.from(body), buffers: [], data: new Uint8Array() }
  const answer = await served.call(call, { from: 'researcher', by: 'researcher' }, signal)
  if (answer.ok) print(forModel(answer.body).text)
  else print([`${answer.error.kind}: ${answer.error.message}`, answer.error.traceback ?? ''].join('\n').trimEnd())
  return answer.ok
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
