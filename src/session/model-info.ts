import { tokenizerName } from '../environment/models/model-config.ts'
import type { ModelHandle } from '../environment/models/model-handle.ts'
import type { RepoHandle } from '../environment/repos/place-repos.ts'
import { modulesOf } from '../workspace/clashes.ts'
import { SKILLS_FOLDER } from '../workspace/places.ts'
import type { Skill } from '../workspace/skill.ts'
import type { Workspace } from '../workspace/workspace.ts'

export interface Around {
  readonly repoHandles: readonly RepoHandle[]
  /** Names of GPUs. */
  readonly gpus: readonly string[]
}

/** What an agent should know of its kernel before it starts. No path of a machine is named. */
export function modelInfoText(
  models: readonly ModelHandle[],
  workspace: Workspace,
  { repoHandles, gpus }: Around = { repoHandles: [], gpus: [] },
): string {
  const lines = ['You work in a Jupyter kernel (Python). `PARAMS` holds the parameters of this experiment.']
  if (gpus.length > 0) lines.push(`It has ${gpus.length === 1 ? 'a GPU' : `${gpus.length} GPUs`}: ${gpus.join(', ')}.`)
  const automatic = gpus.length === 0 ? 'the CPU' : gpus.length === 1 ? 'the GPU' : 'the GPUs'
  for (const model of models) lines.push(modelLine(model, models.length, workspace.preloadModels, automatic))
  for (const { name, url, commit } of repoHandles) {
    const made = `the git repository ${url}, commit ${commit.slice(0, 12)}`
    lines.push(`The folder \`${name}\` holds ${made}. Python can import what lies in it.`)
  }
  lines.push(...givenLines(workspace, `\`print(open("${SKILLS_FOLDER}/NAME/SKILL.md").read())\``, ' in a cell'))
  lines.push(
    '`seer.record({...}, table="...")` keeps a row of results with the run; `seer.save("name", value)` keeps a tensor, table, figure or JSON value.',
  )
  return lines.join('\n')
}

/** The same for a session of commands, in which nothing is loaded. */
export function cliInfoText(models: readonly ModelHandle[], workspace: Workspace, around: Around): string {
  const { gpus, repoHandles } = around
  const lines = ['You work in a sandbox by commands: a shell, and Python in a process of its own for each call.']
  if (gpus.length > 0) lines.push(`It has ${gpus.length === 1 ? 'a GPU' : `${gpus.length} GPUs`}: ${gpus.join(', ')}.`)
  for (const { name, path } of models)
    lines.push(`The files of the model ${name} lie in \`${path}\`, for Hugging Face transformers.`)
  for (const { name, url, commit } of repoHandles)
    lines.push(`The folder \`${name}\` holds the git repository ${url}, commit ${commit.slice(0, 12)}.`)
  return [...lines, ...givenLines(workspace, `\`cat ${SKILLS_FOLDER}/NAME/SKILL.md\``)].join('\n')
}

/** Libraries and skills, in every kind of session. */
function givenLines({ libraries, skills }: Workspace, howToRead: string, where = ''): string[] {
  const names = libraries.map(({ name }) => `\`${name}\``).join(', ')
  return [
    ...(libraries.length > 0 ? [`These modules can be imported: ${names}.`] : []),
    ...(skills.length > 0
      ? [
          `These skills are instructions for a kind of work. Before you do such work, read them${where}: ${howToRead}.`,
          ...skills.map(skillLine),
        ]
      : []),
  ]
}

function skillLine(skill: Skill): string {
  const modules = [...modulesOf(skill).keys()].map((name) => `\`${name}\``)
  const python = modules.length === 0 ? '' : ` (It brings Python that can be imported: ${modules.join(', ')}.)`
  return `- ${skill.name}: ${skill.description.replaceAll(/\s+/g, ' ')}${python}`
}

function modelLine(model: ModelHandle, count: number, isLoaded: boolean, automatic: string): string {
  const { name, varName, base, quantisation, loadAsPeft } = model
  const where = isLoaded
    ? `is loaded as \`${varName}\`, its tokenizer as \`${tokenizerName(varName, count)}\``
    : 'can be loaded with `seer.setup()`'
  const made = `${loaded(model)} on ${deviceOf(model, automatic)}, in evaluation mode.`
  if (base === undefined) {
    const wrapped = loadAsPeft
      ? ' It is a PEFT model whose adapter `default` does nothing; more can be loaded on it.'
      : ''
    return `The model ${name} ${where}: a Hugging Face transformers model${made} Weights: ${quantisation}.${wrapped}`
  }
  return (
    `The model ${name} ${where}: an adapter on ${base.name}, a PEFT model${made} Weights below it: ${base.quantisation}. ` +
    `\`with ${varName}.base():\` switches the adapter off, so that the same calls give the model below it, as a control.`
  )
}

function deviceOf({ device }: ModelHandle, automatic: string): string {
  if (device === 'auto') return automatic
  return device === 'cpu' ? 'the CPU' : device
}

function loaded({ dtype }: ModelHandle): string {
  return dtype === 'auto' ? '' : ` in ${dtype}`
}

/** What a kernel needs to load it. */
export function modelForKernel({ name, varName, path, dtype, device, loadAsPeft, base }: ModelHandle) {
  const below = base ? { baseName: base.name, basePath: base.path } : {}
  return { name, varName, path, dtype, device, loadAsPeft, ...below }
}
