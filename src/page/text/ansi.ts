/**
 * What a terminal would show, as HTML: colours as classes (ansi.css), the last state of lines that overwrite themselves, links
 * to the web only. Every other escape sequence is taken out.
 */
import { AnsiUp } from 'ansi_up'
import { ESCAPE_SEQUENCES } from '../../notebook/escapes.ts'
import { showHidden } from '../../notebook/hidden-characters.ts'
import { collapse, stripAnsi } from '../../notebook/terminal-text.ts'
import { escapeHtml } from './escape-html.ts'
import { closeLink, openLink, safeUrl } from './links.ts'

const ESC = '\u{1b}'
const SGR = new RegExp(`^${ESC}\\[[0-9;]{0,64}m$`)
const LINK = new RegExp(`^${ESC}\\]8;[^;]*;(?<url>\\P{Cc}*)\\p{Cc}`, 'u')

/** Newlines stay as they are: it is for an element that keeps white space. */
export function ansiToHtml(text: string): string {
  const shown = collapse(text)
  if (!/[^\P{Cc}\n\t]/u.test(shown)) return escapeHtml(showHidden(shown))
  const ansi = new AnsiUp()
  ansi.use_classes = true
  Object.assign(ansi, {
    boldStyle: 'ansi-bold',
    faintStyle: 'ansi-faint',
    italicStyle: 'ansi-italic',
    underlineStyle: 'ansi-underline',
  })
  const html: string[] = []
  let at = 0
  let open: { href: string; plain: string } | undefined
  const close = () => {
    if (open) html.push(closeLink(open.href, open.plain))
    open = undefined
  }
  const put = (stretch: string) => {
    if (stretch === '') return
    const visible = showHidden(stretch)
    if (open) open.plain += stripAnsi(visible)
    html.push(withClasses(ansi.ansi_to_html(visible)))
  }
  for (const match of shown.matchAll(ESCAPE_SEQUENCES)) {
    put(shown.slice(at, match.index))
    const [sequence] = match
    at = match.index + sequence.length
    if (SGR.test(sequence)) ansi.ansi_to_html(sequence)
    const url = LINK.exec(sequence)?.groups?.['url']
    if (url === undefined) continue
    close()
    const href = safeUrl(url)
    if (href === null) continue
    html.push(openLink(href))
    open = { href, plain: '' }
  }
  put(shown.slice(at))
  close()
  return html.join('')
}

/** What ansi_up puts into style attributes, which a strict page does not allow, as classes. Text in it is escaped already. */
function withClasses(html: string): string {
  return html.replaceAll(/<span(?: style="([^"]*)")?(?: class="([^"]*)")?>/g, (_, styles = '', classes = '') => {
    const named = String(styles)
      .split(';')
      .map((style) => colourClasses(style) ?? style)
    return `<span class="${[...named, String(classes)].filter(Boolean).join(' ')}">`
  })
}

/** Any colour, in sixteen steps of red, green and blue: a class for each. */
function colourClasses(style: string): string | undefined {
  const found = /^(background-)?color:rgb\((\d+),(\d+),(\d+)\)$/.exec(style)
  if (!found) return undefined
  const [red, green, blue] = found.slice(2).map(Number) as [number, number, number]
  const steps = [`r${step(red)}`, `g${step(green)}`, `b${step(blue)}`]
  if (!found[1]) return ['ansi-fg', ...steps.map((name) => `ansi-f${name}`)].join(' ')
  const isLight = 0.299 * red + 0.587 * green + 0.114 * blue > 140
  return [`ansi-bg ansi-on-${isLight ? 'light' : 'dark'}`, ...steps.map((name) => `ansi-b${name}`)].join(' ')
}

function step(value: number): string {
  return Math.round(value / 17).toString(16)
}
