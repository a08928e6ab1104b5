/** JupyterLab's server: a process of this machine with an environment of its own, which ends when this one does. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import type { JupyterEnvironment } from '../environment/jupyter-environment.ts'
import { SeerError } from '../errors.ts'

const READY_MS = 120_000
const FAREWELL_MS = 5000
const KEPT_CHARS = 4000

const readySchema = z.object({ port: z.int(), copy: z.string() })

/** Goes over stdin, where nobody else reads it. */
interface Asked {
  readonly token: string
  readonly gateway: { readonly url: string; readonly token: string }
}

export interface LabProcess extends z.infer<typeof readySchema> {
  /** Resolves when it has ended, however that came. */
  readonly ended: Promise<void>
  /** Resolves when it is gone, with its folder. */
  readonly close: () => Promise<void>
}

/** Throws `jupyter-failed` where it does not start. */
export async function startLab(
  { python, boot }: Pick<JupyterEnvironment, 'python' | 'boot'>,
  asked: Asked,
  signal: AbortSignal,
): Promise<LabProcess> {
  const child = spawn(python, ['-I', '-B', boot, 'jupyter'], {
    // None of the researcher's variables, where their keys are.
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8', TMPDIR: tmpdir() },
    // Ctrl-C at Seer's terminal is not for it.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  let said = ''
  child.stdin.on('error', () => undefined)
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-KEPT_CHARS)))
  const lines = createInterface({ input: child.stdout })
  const close = async () => {
    // At the end of its stdin it removes its folder and ends.
    child.stdin.end()
    const timer = setTimeout(() => child.kill('SIGKILL'), FAREWELL_MS)
    await ended
    clearTimeout(timer)
  }
  child.stdin.write(`${JSON.stringify(asked)}\n`)
  try {
    const line = once(lines, 'line', { signal: AbortSignal.any([signal, AbortSignal.timeout(READY_MS)]) }) as Promise<
      [string]
    >
    const [first] = await Promise.race([line, ended.then(() => [''])])
    const { port, copy } = readySchema.parse(JSON.parse(first ?? ''))
    for (const part of [child, child.stdin, child.stdout, child.stderr]) (part as { unref?: () => void }).unref?.()
    // One that was killed could not do it itself.
    const gone = ended.then(() => rm(dirname(dirname(copy)), { recursive: true, force: true }))
    return { port, copy, ended: gone, close: () => close().then(() => gone) }
  } catch (cause) {
    await close()
    signal.throwIfAborted()
    throw new SeerError('jupyter-failed', {
      message: `JupyterLab did not start.${said === '' ? '' : ` It said:\n${said.replaceAll(asked.token, '…').trim()}`}`,
      hint: 'The session goes on without it.',
      cause,
    })
  }
}
