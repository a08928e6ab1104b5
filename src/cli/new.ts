/** `seer new`. */
import { statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { describeError, SeerError } from '../errors.ts'
import { copyExperiment } from '../experiment/copy-experiment.ts'
import { asExperiment } from '../experiment/experiment.ts'
import { bundledExperiments, findExperiment } from './find-experiment.ts'
import { loadExperiment } from './load.ts'
import { newFiles, quoted, seerPath } from './new-files.ts'
import { openTerminal } from './terminal.ts'

export async function newCommand(folder: string, options: { from?: string }): Promise<void> {
  const from = options.from
  if (from === undefined) {
    throw new SeerError('invalid-options', {
      message: '--from is missing: the experiment to copy.',
      hint: `Seer brings: ${bundledExperiments().join(', ')}. A folder of your own may be named too.`,
    })
  }
  const source = findExperiment(from)
  if (!statSync(join(source, 'experiment.ts'), { throwIfNoEntry: false })?.isFile()) {
    throw new SeerError('experiment-not-found', {
      message: `${source} is not a folder with an experiment.ts, so there is nothing to copy.`,
      hint: `Seer brings: ${bundledExperiments().join(', ')}.`,
    })
  }
  const { params, profiles } = asExperiment(await loadExperiment(source), source)
  const target = resolve(folder)
  const seer = seerPath()
  const about = { name: basename(target), from: basename(source), seer, profiles: Object.keys(profiles) }
  const hasModel = Object.hasOwn(params.shape, 'model')
  const { toolkit, skills } = copyExperiment(source, target, (files) =>
    newFiles({ ...about, hasModel, toolkit: files }),
  )
  const terminal = openTerminal()
  terminal.say(`${basename(source)} is copied to ${target}.`)
  if (toolkit.length > 0) terminal.say(`With its own copies of the toolkit files ${toolkit.join(', ')}, in toolkit/.`)
  if (skills.length > 0) terminal.say(`With its own copies of the skills ${skills.join(', ')}, in skills/.`)
  await warnUnlessLoads(target)
  terminal.printRaw(`\nNext:\n  cd ${quoted(folder)}\n  ${seer} run .\n`)
  terminal.say(
    `Change experiment.ts and task.md. The recording fits what was recorded and is refused after a change: a live agent needs ANTHROPIC_API_KEY and --provider claude.`,
  )
}

/** What the experiment imports from outside its folder was not copied. */
async function warnUnlessLoads(folder: string): Promise<void> {
  try {
    await loadExperiment(folder)
  } catch (error) {
    process.stderr.write(`seer: the copy cannot be run as it is. ${describeError(error)}\n`)
  }
}
