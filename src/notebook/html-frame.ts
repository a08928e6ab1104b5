/**
 * HTML that others wrote, as a document for `<iframe sandbox="" srcdoc>`: there it has no scripts, no origin, and by its first
 * element nothing to fetch from.
 */

const CSP = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

// A policy does not hold back the look-up of a name (dns-prefetch) in every browser, and a frame in the frame is a second way
// around everything here. A tag of such a name is none, wherever it stands: in a value or a style it is read back as it was.
const DEFUSED = /<(?=(?:link|meta|base|iframe|frame|frameset|object|embed|applet|portal|fencedframe)(?:[\s/>]|$))/gi

/** What is in the frame cannot be measured from outside, so its height is guessed, in steps. */
export function frameHeight(html: string): number {
  const rows = html.match(/<(?:tr|li|p|br|div|h[1-6])[\s>/]/gi)?.length ?? 0
  return Math.min(480, Math.max(96, Math.ceil((rows * 24 + 32) / 48) * 48))
}

/** A frame keeps to the policy of the page that it stands in, too: that must name this one style. */
export const FRAME_STYLE =
  'body{margin:0;font:13px/1.45 system-ui,sans-serif;color:#1b1f24;background:#fff;overflow-wrap:anywhere}' +
  'table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{padding:3px 8px;text-align:right}' +
  'thead th{border-bottom:1px solid #d0d7de}tbody tr:nth-child(even){background:#f6f8fa}img,svg{max-width:100%}'

/** To be escaped as the attribute's value by whoever writes it. */
export function frameDocument(html: string): string {
  return (
    `<!doctype html><meta http-equiv="Content-Security-Policy" content="${CSP}"><meta charset="utf-8">` +
    '<meta name="referrer" content="no-referrer"><meta http-equiv="x-dns-prefetch-control" content="off">' +
    `<style>${FRAME_STYLE}</style><body>${html.replaceAll(DEFUSED, '<x-')}`
  )
}
