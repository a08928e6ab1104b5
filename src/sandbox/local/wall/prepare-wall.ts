/** Makes everything that a sandbox's wall stands on, and says how it is to be built. */
import { availableParallelism, release, totalmem } from 'node:os'
import { mkdir, statfs } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Layout } from '../../backend.ts'
import { bwrapArgs, type Mount } from './bwrap-args.ts'
import type { Cgroups } from './cgroups.ts'
import { interpreterMounts } from './interpreter.ts'
import { holdLimits, type Limits } from './limits.ts'
import { linkPackages } from './package-folder.ts'
import { copySeer, linkModel, writeMadeFiles } from './sources.ts'
import { MADE_FILES, systemMounts } from './system-files.ts'
import { INSIDE, USER_OF_ROOTS_SANDBOXES, type PreparedWall } from './wall.ts'

/** What a sandbox's code is to find, beside the system and its workspace. */
export interface WallContents {
  /** `<environment>/bin/python`. */
  readonly python: string
  /** The folders of models, in their order. */
  readonly models: readonly string[]
  /** Folders of the researcher: the archives of packages that lie in each, and where these are to be seen. */
  readonly packages?: readonly { readonly source: string; readonly target: string }[]
  /** More files and folders, and where they are to be seen. */
  readonly readOnly?: readonly { readonly source: string; readonly target: string }[]
  /** Single devices, such as `/dev/nvidia0`. */
  readonly devices?: readonly string[]
}

export interface WallInputs extends WallContents {
  /** The program `bwrap`. */
  readonly program: string
  readonly layout: Layout
  /** A folder of a random name, for the sources of mounts. */
  readonly sources: string
  readonly limits: Limits
  readonly cgroups: Cgroups
}

const STAGE = '/mnt'

export async function prepareWall(inputs: WallInputs): Promise<PreparedWall> {
  const { layout, sources, python } = inputs
  const isRoot = process.getuid?.() === 0
  const environment = dirname(dirname(python))
  const seer = join(sources, 'p')
  const made = join(sources, 'e')
  await Promise.all([copySeer(layout.pythonDir, seer), writeMadeFiles(made)])
  await mkdir(join(sources, 'm'), { mode: 0o755 })
  await mkdir(join(sources, 'w'), { mode: 0o755 })
  const packages = await Promise.all(
    (inputs.packages ?? []).map(async ({ source, target }, i) => ({
      target,
      ...(await linkPackages(source, join(sources, 'w', String(i)))),
    })),
  )
  const models = await Promise.all(inputs.models.map((model, i) => linkModel(model, join(sources, 'm', String(i)))))

  const readOnly = (source: string, target: string): Mount => ({ kind: 'read-only', source, target, staged: true })
  const memory = (target: string): Mount => ({ kind: 'memory', target, bytes: inputs.limits.tmpBytes })
  const writable = (source: string, target: string): Mount => ({ kind: 'writable', source, target, staged: true })
  const plan = bwrapArgs({
    mounts: [
      ...systemMounts(),
      ...Object.keys(MADE_FILES).map((name) => readOnly(join(made, name), `/etc/${name}`)),
      memory('/dev/shm'),
      memory('/tmp'),
      ...interpreterMounts(python),
      readOnly(environment, INSIDE.environment),
      readOnly(seer, INSIDE.seer),
      ...(inputs.devices ?? []).map((target): Mount => ({ kind: 'device', target })),
      ...(inputs.readOnly ?? []).map(({ source, target }) => readOnly(source, target)),
      ...packages.flatMap(({ source, target, files }) => [
        readOnly(source, target),
        ...files.map((file) => readOnly(file.source, join(target, file.name))),
      ]),
      ...models.flatMap(({ source, files }, i) =>
        files.length === 0
          ? [readOnly(source, INSIDE.model(i))]
          : files.map((file) => readOnly(file.source, join(INSIDE.model(i), file.name))),
      ),
      writable(layout.workspace, INSIDE.workspace),
      writable(layout.kernelDir, INSIDE.runtime),
    ],
    workingFolder: INSIDE.workspace,
    environment: { PATH: `${dirname(INSIDE.python)}:/usr/local/bin:/usr/bin:/bin`, LANG: 'C.UTF-8' },
    stageAt: isRoot ? STAGE : undefined,
  })
  const { told, wall } = holdLimits(inputs.limits, { kernelRelease: release() }, inputs.cgroups.held)
  return {
    limits: told,
    wall: {
      program: inputs.program,
      args: plan.args,
      stageAt: STAGE,
      stage: plan.stage,
      dropTo: isRoot ? USER_OF_ROOTS_SANDBOXES : null,
      cgroups: inputs.cgroups.folders,
      inside: {
        python: INSIDE.python,
        pythonDir: INSIDE.seer,
        workspace: INSIDE.workspace,
        runtimeDir: INSIDE.runtime,
        librariesDir: INSIDE.libraries,
      },
      limits: wall,
      readOnly: plan.readOnly,
      writable: plan.writable,
      // Where a model's files could not be linked, the mount itself tells where they lie.
      hidden: inputs.models.flatMap((model, i) => (models[i]!.isNamed ? [] : namesIn(model))),
    },
  }
}

/** What a model's folder would tell: its own name, and in a hub's cache that of the repository. */
function namesIn(model: string): string[] {
  return [basename(model), ...model.split('/').filter((part) => part.startsWith('models--'))]
}

export async function machineFacts(folder: string) {
  const { bavail, bsize } = await statfs(folder)
  return {
    memoryBytes: totalmem(),
    cores: availableParallelism(),
    freeDiskBytes: bavail * bsize,
    kernelRelease: release(),
  }
}
