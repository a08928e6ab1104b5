/** Taking part in a run that goes on: interrupt, say something to the agent, stop. */
import { useEffect, useState } from 'preact/hooks'
import { Dialog } from './dialog.tsx'
import { ask, wordsOf, type Asked } from './steer-state.ts'

export interface SteerBarProps {
  readonly run: string
  readonly canSteer: boolean
  /** Of those that are at work. */
  readonly agents: readonly string[]
  /** All of them play recordings. */
  readonly isRecorded: boolean
}

const ACCEPTED_MS = 6000

export function SteerBar({ run, canSteer, agents, isRecorded }: SteerBarProps) {
  const [asked, setAsked] = useState<Asked>({ is: 'idle' })
  const [text, setText] = useState('')
  const [agent, setAgent] = useState('')
  const [confirming, setConfirming] = useState(false)
  const isBusy = asked.is === 'sending'
  const disabled = !canSteer || isBusy
  const canWrite = canSteer && !isRecorded
  const said = wordsOf(asked)
  useEffect(() => {
    if (asked.is !== 'accepted') return undefined
    const timer = setTimeout(() => setAsked({ is: 'idle' }), ACCEPTED_MS)
    return () => clearTimeout(timer)
  }, [asked])

  const send = async () => {
    const words = text.trim()
    if (words === '' || disabled || !canWrite) return
    const to = agents.includes(agent) ? agent : undefined
    if (await ask(run, { do: 'message', text: words, ...(to !== undefined && { agent: to }) }, setAsked)) setText('')
  }
  return (
    <section class="steer" aria-label="Take part">
      <p class={`steer-said tone-${said?.tone ?? 'quiet'}`} role="status">
        {said?.text ?? (canSteer ? '' : 'This run cannot be reached from here at the moment: you can watch it.')}
      </p>
      <form
        class="steer-form"
        onSubmit={(event) => {
          event.preventDefault()
          void send()
        }}
      >
        {agents.length > 1 && (
          <select
            aria-label="To whom"
            value={agent}
            disabled={!canSteer}
            onChange={(event) => setAgent(event.currentTarget.value)}
          >
            <option value="">to the agent at work</option>
            {agents.map((name) => (
              <option key={name} value={name}>
                to {name}
              </option>
            ))}
          </select>
        )}
        <textarea
          id="message"
          class="steer-text"
          rows={1}
          maxLength={20_000}
          placeholder={isRecorded ? 'A played recording: nothing can be said to it' : 'Write to the agent'}
          aria-label="Message to the agent"
          value={text}
          disabled={!canWrite}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
              event.preventDefault()
              void send()
            } else if (event.key === 'Escape') event.currentTarget.blur()
          }}
        />
        <button type="submit" class="primary" disabled={disabled || !canWrite || text.trim() === ''}>
          Send
        </button>
        <button type="button" disabled={disabled} onClick={() => void ask(run, { do: 'interrupt' }, setAsked)}>
          Interrupt
        </button>
        <button type="button" class="danger" disabled={disabled} onClick={() => setConfirming(true)}>
          Stop run …
        </button>
      </form>
      {confirming && (
        <Dialog label="Stop the run?" class="confirm" onClose={() => setConfirming(false)}>
          <h2>Stop the run?</h2>
          <p>Its agent and its sandbox are ended. What was done so far is kept; it cannot be taken up again.</p>
          <form method="dialog" class="buttons">
            <button type="submit" autofocus>
              Let it go on
            </button>
            <button
              type="button"
              class="danger"
              onClick={() => {
                setConfirming(false)
                void ask(run, { do: 'stop' }, setAsked)
              }}
            >
              Stop the run
            </button>
          </form>
        </Dialog>
      )}
    </section>
  )
}
