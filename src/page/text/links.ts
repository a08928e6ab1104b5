/** Links that others wrote: to the web or nowhere, and a reader sees where to. */
import { escapeHtml } from './escape-html.ts'

const MAX_SHOWN = 120

/**
 * The address as a browser would ask for it, if it is http or https; else null. A name in other letters than it seems stands
 * in it as `xn--…`, and characters that turn or hide text stand in it as %-codes.
 */
export function safeUrl(url: string): string | null {
  if (!/^https?:\/\//i.test(url)) return null
  const parsed = URL.canParse(url) ? new URL(url) : null
  // `https://good.example@bad.example` leads to the second one.
  if (!parsed || parsed.username !== '' || parsed.password !== '') return null
  return parsed.href
}

/** Before the text of a link. `href` is of {@link safeUrl}. */
export function openLink(href: string): string {
  return `<a href="${escapeHtml(href)}" rel="noopener noreferrer nofollow" target="_blank">`
}

/** After the text of a link: its address, unless the text says just that. */
export function closeLink(href: string, text: string): string {
  if (text === href || `${text}/` === href) return '</a>'
  const shown = href.length > MAX_SHOWN ? `${href.slice(0, MAX_SHOWN)}…` : href
  return `</a> <span class="link-target">(${escapeHtml(shown)})</span>`
}
