// node src/environment/cli-prepare.ts [--dev]
// Does the whole set-up ahead of the first run and prints one line of JSON: { python, uv, model, envId, lock }. With --dev,
// `python` is that of an environment with the sandbox's packages and the tools for working on Seer's own Python.
import { parseArgs } from 'node:util'
import { describeError, isAbort } from '../errors.ts'
import { cacheRoot } from './cache.ts'
import { ensureEmbeddedModel } from './embedded-model.ts'
import { findPythonRemembered } from './find-python.ts'
import { ensureJupyter } from './jupyter-environment.ts'
import { showProgress } from './progress.ts'
import { ensureEnvironment } from './python-environment.ts'
import { pythonFolder } from './requirements.ts'
import { ensureUv } from './uv.ts'

const requirementsFile = (name: string) => `${pythonFolder}requirements-${name}.txt`

const controller = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // The second one does not wait for the tools to end; leaving by exit() still takes them along.
  process.on(signal, () => (controller.signal.aborted ? process.exit(130) : controller.abort()))
}

try {
  const { values } = parseArgs({ options: { dev: { type: 'boolean', default: false } } })
  using progress = showProgress()
  const context = { signal: controller.signal, progress }
  const environment = await ensureEnvironment({}, context)
  const model = await ensureEmbeddedModel(environment, context)
  // What tests open beside a session.
  if (values.dev) await ensureJupyter(context)
  const chosen = values.dev
    ? await ensureEnvironment({ requirementFiles: ['dev', 'peft'].map(requirementsFile) }, context)
    : environment
  const uv = await ensureUv(await findPythonRemembered(cacheRoot(), context), context)
  const { id: envId, lock } = environment
  process.stdout.write(`${JSON.stringify({ python: chosen.python, uv: uv.path, model: model.path, envId, lock })}\n`)
} catch (error) {
  process.stderr.write(`${isAbort(error) ? 'stopped; run it again to go on' : describeError(error)}\n`)
  process.exitCode = isAbort(error) ? 130 : 1
}
