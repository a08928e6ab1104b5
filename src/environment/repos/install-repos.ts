/** When the host runs and before any session: repositories come onto Python's path, and their `install` commands are run behind the wall. */
import type { Connection } from '../../channel/host-connection.ts'
import { neutralise } from '../../notebook/terminal-text.ts'
import { runToEnd } from '../exec/exec.ts'
import type { ProcessEnd } from '../exec/sandbox-process.ts'
import { startProcess, type ProcessContext } from '../exec/start-process.ts'
import { startStep, type SetupContext } from '../progress.ts'
import type { PlacedRepo, RepoHandle } from './place-repos.ts'
import { installFailed } from './repo-errors.ts'

/**
 * pip reads this as the value of its setting `build_isolation`, so 0 is "no isolation": it would fetch the build tools anew, and without
 * a network there is nowhere to fetch them from.
 */
const WITH_WHAT_IS_THERE = { PIP_NO_BUILD_ISOLATION: '0' }

/** A file of paths that Python reads at its start. They come last, so that nothing in a repository hides a package. */
const ADD_PATHS = `
import sys, sysconfig
from pathlib import Path
found = [path for root in sys.argv[1:] for path in (root, root + "/src") if Path(path).is_dir()]
Path(sysconfig.get_path("purelib"), "seer_repositories.pth").write_text("".join(f"{path}\\n" for path in found))
`

interface Where {
  readonly connection: Connection
  /** The sandbox's code can fetch nothing. */
  readonly isOffline: boolean
  readonly process: ProcessContext
}

/** Throws `repo-install` with the end of what a command printed. */
export async function installRepos(placed: readonly PlacedRepo[], where: Where, context: SetupContext): Promise<void> {
  if (placed.length === 0) return
  const { signal } = context
  const roots = placed.map(({ handle }) => handle.path)
  const spec = {
    argv: ['python', '-c', ADD_PATHS, ...roots],
    purpose: 'repositories onto the path',
    by: 'setup',
    signal,
  } as const
  await runToEnd(where.connection, spec, spec.purpose, where.process)
  for (const { handle, install } of placed) if (install !== undefined) await run(handle, install, where, context)
}

async function run({ name, path }: RepoHandle, install: string, where: Where, context: SetupContext): Promise<void> {
  const { isOffline } = where
  const step = startStep(context, `install of ${name}`)
  step.update(neutralise(install))
  const spec = {
    argv: ['/bin/sh', '-c', install],
    cwd: path,
    env: isOffline ? WITH_WHAT_IS_THERE : {},
    purpose: `install of ${name}`,
    by: 'setup',
    signal: context.signal,
  } as const
  const process = await startProcess(where.connection, spec, where.process)
  try {
    for await (const { text } of process.output) {
      const line = neutralise(text.replaceAll('\r', '\n')).trim().split('\n').at(-1)
      if (line) step.update(line)
    }
  } finally {
    await process.ended
  }
  const end: ProcessEnd = await process.ended
  if (end.exitCode !== 0) throw installFailed({ name, install, isOffline }, end)
  step.done(`\`${neutralise(install)}\` ran`)
}
