/** A page with nothing on it yet, or nothing that can be shown: what is the case, and what to do. */
import type { ComponentChildren } from 'preact'

export interface EmptyProps {
  readonly title: string
  readonly children?: ComponentChildren
  readonly tone?: 'quiet' | 'error' | 'busy'
}

export function Empty({ title, children, tone = 'quiet' }: EmptyProps) {
  return (
    <section class={`empty empty-${tone}`} role={tone === 'error' ? 'alert' : 'status'}>
      {tone === 'busy' && <span class="spinner" aria-hidden="true" />}
      <h2>{title}</h2>
      {children && <div class="empty-text">{children}</div>}
    </section>
  )
}
