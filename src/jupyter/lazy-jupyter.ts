/** JupyterLab on a session, which most sessions never have: made when it is asked for, and one for all who ask. */
import { SeerError } from '../errors.ts'
import type { Jupyter } from './jupyter.ts'
import type { SharedSession } from './shared-session.ts'

export interface LazyJupyter {
  /** Rejects with a SeerError where it cannot be had, and once the session has ended. The next to ask tries again. */
  readonly url: () => Promise<string>
  readonly close: () => Promise<void>
}

export function lazyJupyter(shared: SharedSession): LazyJupyter {
  const { run, notebook } = shared
  const ending = new AbortController()
  let opening: Promise<Jupyter> | undefined

  async function open(): Promise<Jupyter> {
    const { openJupyter } = await import('./jupyter.ts')
    return openJupyter(shared, AbortSignal.any([run.signal, ending.signal]))
  }

  async function url(): Promise<string> {
    if (ending.signal.aborted) throw hasEnded(notebook.kernel.session)
    const mine = (opening ??= open())
    const forget = () => {
      if (opening === mine) opening = undefined
    }
    try {
      const jupyter = await mine
      void jupyter.ended.then(forget)
      return jupyter.url
    } catch (error) {
      forget()
      throw ending.signal.aborted ? hasEnded(notebook.kernel.session) : error
    }
  }
  return {
    url,
    async close() {
      ending.abort()
      const jupyter = await opening?.catch(() => undefined)
      await jupyter?.close()
    },
  }
}

function hasEnded(session: string): SeerError {
  return new SeerError('session-ended', {
    message: `The session ${session} has been terminated: it has no JupyterLab.`,
  })
}
