/**
 * JupyterLab beside a session: a copy of the notebook to read, and a console whose cells run in the session's kernel as the
 * researcher's. Its server runs no code: it has the kernel from a gateway of this process.
 */
import { ensureJupyter } from '../environment/jupyter-environment.ts'
import { showProgress } from '../environment/progress.ts'
import { newToken } from '../mcp/access.ts'
import { openChannels } from './channels.ts'
import { KERNEL_NAME, openGateway } from './gateway.ts'
import { startLab } from './lab-process.ts'
import { openCopy } from './notebook-copy.ts'
import type { SharedSession } from './shared-session.ts'

export interface Jupyter {
  /** With its token: whoever has it can run code in the session. */
  readonly url: string
  /** Resolves when its server has ended, however that came. */
  readonly ended: Promise<void>
  readonly close: () => Promise<void>
}

/** Throws a SeerError where JupyterLab cannot be made ready. It ends with `close`, or with the run. */
export async function openJupyter(shared: SharedSession, signal: AbortSignal): Promise<Jupyter> {
  const { run, notebook } = shared
  const { session } = notebook.kernel
  const closers: (() => unknown)[] = []
  const close = async () => {
    forget()
    for (const step of closers.splice(0).reverse()) await step()
  }
  const forget = run.beforeEnd(close)
  try {
    using progress = showProgress()
    const environment = await ensureJupyter({ signal, progress })
    closers.push(environment.use())
    const channels = openChannels(shared)
    closers.push(channels.close)
    const gateway = await openGateway(channels, session)
    closers.push(gateway.close)
    const token = newToken()
    const { url: gatewayUrl, token: gatewayToken } = gateway
    const asked = { token, gateway: { url: gatewayUrl, token: gatewayToken } }
    const lab = await startLab(environment, asked, signal)
    closers.push(lab.close)
    const copy = openCopy(run, lab.copy, { name: KERNEL_NAME, title: `Session ${session}` })
    closers.push(copy.close)
    await copy.write()
    void lab.ended.then(close)
    return { url: `http://127.0.0.1:${lab.port}/lab?token=${token}`, ended: lab.ended, close }
  } catch (error) {
    await close()
    throw error
  }
}
