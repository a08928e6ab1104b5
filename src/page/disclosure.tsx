/** Something folded away that opens. In a page what is closed is not drawn at all. */
import type { ComponentChildren } from 'preact'
import type { View } from './view.ts'

export interface DisclosureProps {
  readonly id: string
  readonly view: View
  readonly summary: ComponentChildren
  readonly open?: boolean
  readonly class?: string
  readonly children: () => ComponentChildren
}

export function Disclosure({ id, view, summary, open = false, class: name = '', children }: DisclosureProps) {
  const isOpen = view.isOpen(id) ?? open
  const { onToggle } = view
  return (
    <details
      class={`disclosure ${name}`}
      open={isOpen}
      data-open-id={id}
      {...(onToggle && {
        // Also fires when the page itself sets it: then nothing changes.
        onToggle: ({ currentTarget }: Event) => {
          const { open } = currentTarget as unknown as { open: boolean }
          if (open !== (view.isOpen(id) ?? isOpen)) onToggle(id, open)
        },
      })}
    >
      <summary>{summary}</summary>
      {isOpen || view.eager ? children() : null}
    </details>
  )
}
