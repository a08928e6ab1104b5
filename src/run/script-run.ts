import { copyFileSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { outputsFolder, newRunFolder } from './paths.ts'
import { Run } from './run.ts'
import { SEER_VERSION } from './version.ts'

/** The run of a plain script: named after the script, in `./outputs`. */
export function openScriptRun({
  unconfined = false,
  name,
  outputDir = outputsFolder(),
}: { unconfined?: boolean; name?: string; outputDir?: string | undefined } = {}): Run {
  const script =
    name ?? (process.argv[1] === undefined ? 'script' : basename(process.argv[1], extname(process.argv[1])))
  const run = Run.create(newRunFolder(outputDir, script, new Date()), {
    seer: SEER_VERSION,
    experiment: script,
    profile: null,
    params: {},
    backend: 'local',
    confinement: unconfined ? 'none' : 'bubblewrap',
    provider: 'script',
    seed: 0,
  })
  keepScript(run)
  process.stderr.write(`seer: the run is kept in ${run.folder}\n`)
  if (unconfined)
    process.stderr.write('seer: the sandbox is NOT confined: its code runs with your rights on this machine\n')
  return run
}

/** As an experiment's folder is kept with its run. What is not a file (`node -e`, a REPL) leaves none. */
function keepScript(run: Run): void {
  const [, path] = process.argv
  try {
    if (path !== undefined) copyFileSync(path, join(run.folder, 'source', basename(path)))
  } catch {
    return
  }
}
