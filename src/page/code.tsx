/** The code of a cell, in colours; the start of it when it is long. */
import { LongText } from './long-text.tsx'
import { highlightPython } from './text/highlight.ts'
import type { View } from './view.ts'

const MAX_LINES = 40

export function Code({ id, code, view, label = 'Code' }: { id: string; code: string; view: View; label?: string }) {
  if (code.trim() === '') return null
  return (
    <div class="code">
      <LongText
        id={`${id}-code`}
        view={view}
        text={code}
        toHtml={highlightPython}
        class="code-text hljs"
        head={MAX_LINES}
        tail={0}
        label={label}
      />
    </div>
  )
}
