/** `seer view`, and the page of `seer run --view`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { basename, dirname } from 'node:path'
import { describeError } from '../errors.ts'
import { resolveRun } from '../run/paths.ts'
import { startViewer, type Viewer } from '../viewer/server.ts'
import { builtPage } from './built-page.ts'
import { shortPath } from './short-path.ts'
import { untilSignal } from './until-signal.ts'

export interface ViewOptions {
  outputDir: string
  port?: number
  open?: boolean
}

export async function viewCommand(run: string | undefined, { outputDir, port, open }: ViewOptions): Promise<void> {
  const folder = run === undefined ? undefined : resolveRun(run, outputDir)
  const where = folder === undefined ? outputDir : dirname(folder)
  const at = { run: folder === undefined ? undefined : basename(folder) }
  await untilSignal(async (signal) => {
    await using viewer = await openViewer({ outputDir: where, port, signal })
    process.stdout.write(`The runs of ${shortPath(where)}, on this machine only, until Ctrl-C:\n${viewer.url(at)}\n`)
    if (open) openBrowser(viewer.url({ ...at, once: true }))
    if (!signal.aborted) await once(signal, 'abort')
  })
}

export async function openViewer(options: {
  outputDir: string
  port?: number | undefined
  signal: AbortSignal
}): Promise<Viewer> {
  const page = await builtPage({ signal: options.signal })
  const onError = (error: unknown) => void process.stderr.write(`seer: the page: ${describeError(error)}\n`)
  return startViewer({ ...options, page, onError })
}

/** Other users of this machine may see the address in the list of processes: it works once. */
function openBrowser(url: string): void {
  const command = process.platform === 'darwin' ? 'open' : 'xdg-open'
  const child = spawn(command, [url], { stdio: 'ignore', detached: true })
  child.on('error', () =>
    process.stderr.write(`seer: no browser could be opened (${command}): open the address above.\n`),
  )
  child.unref()
}
