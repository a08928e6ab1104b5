/** Something that a person should know, in one box. */
import type { ComponentChildren } from 'preact'
import { neutralise } from '../notebook/terminal-text.ts'

export interface NoticeProps {
  readonly level: 'info' | 'warning' | 'error'
  readonly title: string
  readonly text: string
  readonly children?: ComponentChildren
}

const SIGN = { info: 'i', warning: '!', error: '✕' }

export function Notice({ level, title, text, children }: NoticeProps) {
  return (
    <aside class={`notice notice-${level}`}>
      <span class="notice-sign" aria-hidden="true">
        {SIGN[level]}
      </span>
      <div>
        <strong>{TITLES.get(title) ?? neutralise(title)}</strong> <span class="notice-text">{neutralise(text)}</span>
        {children}
      </div>
    </aside>
  )
}

/** Codes that a reader meets often, in words. */
const TITLES: ReadonlyMap<string, string> = new Map([
  ['sandbox-unconfined', 'Not confined'],
  ['not-confined', 'Not confined'],
  ['recorded-agent', 'A played recording'],
  ['run-recovered', 'Recovered'],
])
