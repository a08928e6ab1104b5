/** What the page's components are told of a document without scripts. */
import { anchorId, type View } from '../view.ts'

/** No address that a browser knows: a report says where a file is, and does not lead to what an agent has made. */
const FILE = 'seer-artifact:'

export function reportView(images: Readonly<Record<string, string>>, agents: readonly string[] = []): View {
  return {
    agents,
    artifactUrl: (sha256, name) => (name === undefined ? images[sha256] : undefined) ?? `${FILE}${sha256}`,
    cellHref: (session, cell) => `#${encodeURIComponent(anchorId(session, cell).toWellFormed())}`,
    // A cell that was replaced is folded by itself; here every cell is in a fold already.
    isOpen: (id) => (id.startsWith('cell-') && !/-(code|o\d+)(-|$)/.test(id) ? true : undefined),
    eager: true,
  }
}

/** Links to files become the file's place in the run's folder, as text. */
export function linksAsText(html: string): string {
  return html.replaceAll(
    new RegExp(`<a href="${FILE}([0-9a-f]{64})"[^>]*>([^<]*)</a>`, 'g'),
    '$2: <code class="path">artifacts/$1</code>',
  )
}
