/**
 * What a sandbox was asked to be, as a run's log has it, so that one like it can be started again. Of variables only the names: a value
 * may be a key, and no run keeps those.
 */
import { resolve } from 'node:path'
import { z } from 'zod'
import { withoutLogins } from './repos/repo-source.ts'
import { sandboxConfigSchema, type ParsedSandboxConfig } from './sandbox-config.ts'

const { shape } = sandboxConfigSchema

/** Lenient towards logs of other versions: what it does not know is left out. */
const recordedConfigSchema = z.object({
  gpu: shape.gpu,
  gpuCount: shape.gpuCount,
  models: z.array(z.looseObject({ name: z.string(), varName: z.string().default('model') })).default([]),
  repos: z.array(z.looseObject({ url: z.string() })).default([]),
  pythonPackages: shape.pythonPackages,
  python: shape.python,
  localFiles: shape.localFiles,
  localDirs: shape.localDirs,
  network: shape.network,
  timeout: shape.timeout,
  env: z.array(z.string()).default([]),
})
export type RecordedConfig = z.output<typeof recordedConfigSchema>

/** Places of this machine stand as whole paths: the same words may mean another folder tomorrow. */
export function recordConfig(config: ParsedSandboxConfig): Record<string, z.core.util.JSONType> {
  const { gpu, gpuCount, models, repos, pythonPackages, python, localFiles, localDirs, network, timeout, env } =
    withoutLogins(config)
  const whole = ([from, to]: readonly [string, string]) => [resolve(from), to]
  const recorded = {
    gpu,
    gpuCount,
    models: models.map(({ name, baseModel, ...model }) => ({
      ...model,
      name: wholeName(name),
      ...(baseModel === undefined ? {} : { baseModel: wholeName(baseModel) }),
    })),
    repos,
    pythonPackages: pythonPackages.map((line) => line.replaceAll(/\/\/[^/@\s]+@/g, '//')),
    python: python === undefined || /^\d+(\.\d+)*$/.test(python) ? python : resolve(python),
    localFiles: localFiles.map(whole),
    localDirs: localDirs.map(whole),
    network,
    timeout,
    env: Object.keys(env),
  }
  return JSON.parse(JSON.stringify(recorded)) as Record<string, z.core.util.JSONType>
}

/** Undefined for what is none. */
export function readRecordedConfig(value: unknown): RecordedConfig | undefined {
  return recordedConfigSchema.safeParse(value).data
}

function wholeName(name: string): string {
  return /^(\/|\.\.?(\/|$))/.test(name) ? resolve(name) : name
}
