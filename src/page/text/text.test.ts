import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ansiToHtml } from './ansi.ts'
import { frameDocument } from '../../notebook/html-frame.ts'
import { highlightPython } from './highlight.ts'
import { safeUrl } from './links.ts'
import { svgDataUrl } from '../../notebook/svg-url.ts'

describe('safeUrl', () => {
  test.each([
    ['http://a.example', 'http://a.example/'],
    ['HTTPS://A.example/x?y#z', 'https://a.example/x?y#z'],
    ['https://аррӏе.com', 'https://xn--80ak6aa92e.com/'],
    ['https://a.example/\u{202e}gpj', 'https://a.example/%E2%80%AEgpj'],
    ['https://a.example/"onclick=x', 'https://a.example/%22onclick=x'],
  ])('%s', (url, safe) => expect(safeUrl(url)).toBe(safe))

  test.each([
    ['javascript:alert(1)'],
    ['JaVaScRiPt:alert(1)'],
    ['\u{1}javascript:alert(1)'],
    ['java\nscript:alert(1)'],
    ['data:text/html,<script>alert(1)</script>'],
    ['vbscript:x'],
    ['file:///etc/passwd'],
    ['blob:http://a.example/x'],
    ['view-source:http://a.example'],
    ['//a.example'],
    ['/x'],
    ['#x'],
    [''],
    ['http:/a.example'],
    ['https://'],
    ['https://good.example@bad.example'],
    ['https://good.example:x@bad.example'],
  ])('%j leads nowhere', (url) => expect(safeUrl(url)).toBeNull())
})

describe('ansiToHtml', () => {
  test.each([
    ['text', 'a < b & "c"', 'a &lt; b &amp; &quot;c&quot;'],
    ['a progress bar', ' 50%\r100%\n', '100%\n'],
    ['a colour', '\u{1b}[31mred\u{1b}[0m', '<span class="ansi-red-fg">red</span>'],
    ['bold and bright', '\u{1b}[1;92mx\u{1b}[m', '<span class="ansi-bold ansi-bright-green-fg">x</span>'],
    ['any colour', '\u{1b}[38;2;255;0;136mx', '<span class="ansi-fg ansi-frf ansi-fg0 ansi-fb8">x</span>'],
    [
      'a background, and whether it is light',
      '\u{1b}[48;5;226mx',
      '<span class="ansi-bg ansi-on-light ansi-brf ansi-bgf ansi-bb0">x</span>',
    ],
    ['a window title, the clipboard, the screen', '\u{1b}]0;t\u{7}a\u{1b}]52;c;aGk=\u{7}b\u{1b}[2J\u{1b}[5;5Hc', 'abc'],
    ['a link without an end hides nothing', '\u{1b}]8;;http://a.example\nnext', '8;;http://a.example\nnext'],
    ['a tag in a sequence', '\u{1b}[<img src=x>m', 'mg src=x&gt;m'],
    ['a turn of direction', '\u{1b}[1ma\u{202e}b', '<span class="ansi-bold">a\\u202eb</span>'],
    ['a bell', 'a\u{7}\u{0}', 'a␇␀'],
  ])('%s', (_, text, html) => expect(ansiToHtml(text)).toBe(html))

  test('a link leads to the web, and says where to', () => {
    const link = (url: string) => ansiToHtml(`\u{1b}]8;;${url}\u{1b}\\te<xt\u{1b}]8;;\u{1b}\\ after`)
    expect(link('https://a.example/"x')).toBe(
      '<a href="https://a.example/%22x" rel="noopener noreferrer nofollow" target="_blank">te&lt;xt</a>' +
        ' <span class="link-target">(https://a.example/%22x)</span> after',
    )
    expect(link('javascript:alert(1)')).toBe('te&lt;xt after')
  })

  test('nothing but spans with classes, whatever the text', () => {
    const unit = fc.constantFrom(
      '\u{1b}',
      '[',
      ']',
      'm',
      ';',
      '3',
      '8',
      '1',
      '5',
      '2',
      '0',
      '\u{7}',
      '<',
      '"',
      'a',
      '\n',
    )
    const sgr = fc
      .array(fc.integer({ min: 0, max: 260 }), { minLength: 1, maxLength: 5 })
      .map((codes) => `\u{1b}[${codes.join(';')}mx`)
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string({ unit, maxLength: 12 }), sgr), { maxLength: 12 }), (parts) => {
        const html = ansiToHtml(parts.join(''))
        const rest = html.replaceAll(/<span class="ansi-[a-z0-9 -]+">|<\/span>/g, '')
        expect(rest).not.toMatch(/[<>"]|[^\P{Cc}\n]/u)
      }),
    )
  })
})

describe('highlightPython', () => {
  test('words get classes, text stays text', () =>
    expect(highlightPython('def f(x): return "</pre><b>"')).toBe(
      '<span class="hljs-keyword">def</span> <span class="hljs-title function_">f</span>(<span class="hljs-params">x</span>): ' +
        '<span class="hljs-keyword">return</span> <span class="hljs-string">&quot;&lt;/pre&gt;&lt;b&gt;&quot;</span>',
    ))
  test('what turns or hides code is seen', () =>
    expect(highlightPython('x = 1 #\u{202e}\u{2066} if admin')).toContain('\\u202e\\u2066'))
  test('very long code is not waited for', () =>
    expect(highlightPython(`<${'x'.repeat(200_000)}`)).toBe(`&lt;${'x'.repeat(200_000)}`))
})

describe('frameDocument', () => {
  test('the policy comes before anything else, whatever follows', () =>
    expect(frameDocument('</head><p>x')).toMatch(
      /^<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">.*<\/head><p>x$/,
    ))
  test.each(['<link rel=x>', '<META http-equiv=refresh>', '<base/href=x>', '<iframe\nsrcdoc=x>', '<object>', '<embed'])(
    '%s is no such element any more',
    (html) => expect(frameDocument(html)).toMatch(new RegExp(`<x-${html.slice(1).replace('|', '')}$`)),
  )
  test('a table stays as it is', () =>
    expect(frameDocument('<table class="dataframe"><tr><th>a<td>1</table>')).toMatch(
      /<table class="dataframe"><tr><th>a<td>1<\/table>$/,
    ))
})

test('svgDataUrl', () => {
  const back = (svg: string) =>
    new TextDecoder().decode(Uint8Array.from(atob(svgDataUrl(svg).split(',')[1] ?? ''), (c) => c.charCodeAt(0)))
  expect(svgDataUrl('<svg xmlns="x"/>')).toMatch(/^data:image\/svg\+xml;base64,[A-Za-z0-9+/=]+$/)
  expect(back('<?xml version="1.0"?><svg xmlns="x">ä😀</svg>')).toBe('<?xml version="1.0"?><svg xmlns="x">ä😀</svg>')
  expect(back('<svg viewBox="0 0 1 1">$&</svg>')).toBe(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1">$&</svg>',
  )
  expect(back(`<svg xmlns="x">${'y'.repeat(300_000)}</svg>`)).toHaveLength(300_021)
})
