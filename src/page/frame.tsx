/** HTML that a cell showed, in a frame of its own that can do nothing. */
import { frameDocument } from './text/frame.ts'

/** What is in the frame cannot be measured from outside, so its height is guessed, in steps. */
export function Frame({ html, label }: { html: string; label: string }) {
  return (
    <iframe
      class="frame"
      sandbox=""
      srcDoc={frameDocument(html)}
      title={label}
      height={guessHeight(html)}
      loading="lazy"
    />
  )
}

function guessHeight(html: string): number {
  const rows = html.match(/<(?:tr|li|p|br|div|h[1-6])[\s>/]/gi)?.length ?? 0
  return Math.min(480, Math.max(96, Math.ceil((rows * 24 + 32) / 48) * 48))
}
