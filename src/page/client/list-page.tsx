/** The list of runs, asked for again and again while it is seen. */
import { useEffect, useState } from 'preact/hooks'
import { Empty } from '../empty.tsx'
import { RunList } from '../run-list.tsx'
import type { RunsAnswer } from '../wire.ts'
import { ApiError, fetchRuns } from './api.ts'
import { runHref } from './route.ts'
import { TopBar } from './top-bar.tsx'

const EVERY_MS = 2000

type State = { answer: RunsAnswer | null; error: ApiError | null }

export function ListPage() {
  const { answer, error } = useRuns()
  useEffect(() => void (document.title = 'Seer'), [])
  return (
    <>
      <TopBar
        below={
          error &&
          answer && (
            <p class="connection-bar connection-error" role="status">
              <strong>{error.message}</strong> <span>{error.hint ?? 'What stands below is what was last heard.'}</span>
            </p>
          )
        }
      />
      <main class="list-page">
        <header class="list-head">
          <h1>Runs</h1>
          {answer && <code class="quiet">{answer.outputDir}</code>}
        </header>
        <Runs answer={answer} error={error} />
      </main>
    </>
  )
}

function Runs({ answer, error }: State) {
  if (answer && answer.runs.length > 0) return <RunList runs={answer.runs} runHref={runHref} />
  if (answer)
    return (
      <Empty title="No runs yet">
        <p>
          Start one in another terminal: <code>seer run sandbox-intro</code>. It stands here at once.
        </p>
      </Empty>
    )
  if (error)
    return (
      <Empty title={error.message} tone="error">
        <p>{error.hint ?? 'Start it again (seer view) and open the link that it prints. This page keeps trying.'}</p>
      </Empty>
    )
  return <Empty title="Looking for runs …" tone="busy" />
}

function useRuns(): State {
  const [state, setState] = useState<State>({ answer: null, error: null })
  useEffect(() => {
    const asked = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const look = async () => {
      if (!document.hidden) {
        try {
          const answer = await fetchRuns(asked.signal)
          setState({ answer, error: null })
        } catch (error) {
          if (asked.signal.aborted) return
          const said = error instanceof ApiError ? error : new ApiError(0, { code: 'error', message: String(error) })
          setState(({ answer }) => ({ answer, error: said }))
        }
      }
      timer = setTimeout(() => void look(), EVERY_MS)
    }
    void look()
    return () => {
      asked.abort()
      clearTimeout(timer)
    }
  }, [])
  return state
}
