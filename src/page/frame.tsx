/** HTML that a cell showed, in a frame of its own that can do nothing. */
import { frameDocument, frameHeight } from '../notebook/html-frame.ts'

export function Frame({ html, label }: { html: string; label: string }) {
  return (
    <iframe
      class="frame"
      sandbox=""
      srcDoc={frameDocument(html)}
      title={label}
      height={frameHeight(html)}
      loading="lazy"
    />
  )
}
