import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { markdownToHtml } from './markdown.ts'

const ATTRIBUTES = 'rel="noopener noreferrer nofollow" target="_blank"'

const HOSTILE =
  '< > " \' & ` [ ] ( ) ! * | # - : / = \\ a javascript: http://a.b script onerror= ``` data: &lt; &#x3c; style'
    .split(' ')
    .concat('\n', ' ', 'img src=x')

describe('markdownToHtml', () => {
  test.each([
    ['words', 'a *b* **c** `d`', '<p>a <em>b</em> <strong>c</strong> <code>d</code></p>\n'],
    ['HTML is text', '<b onclick=x>a</b>', '<p>&lt;b onclick=x&gt;a&lt;/b&gt;</p>\n'],
    ['a block of HTML too', '<script>alert(1)</script>', '<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n'],
    [
      'a link says where it leads',
      '[paper](https://a.example/x "t")',
      `<p><a href="https://a.example/x" ${ATTRIBUTES}>paper</a> <span class="link-target">(https://a.example/x)</span></p>\n`,
    ],
    [
      'a link that says it itself',
      '<https://a.example/x>',
      `<p><a href="https://a.example/x" ${ATTRIBUTES}>https://a.example/x</a></p>\n`,
    ],
    ['a link to nowhere', '[x](javascript:alert(1))', '<p>[x](javascript:alert(1))</p>\n'],
    [
      'a picture',
      '![a "plot"](https://a.example/x.png)',
      '<p><span class="image-left-out">[image, not fetched: a "plot" (https://a.example/x.png)]</span></p>\n',
    ],
    [
      'a table',
      '|a|\n|-:|\n|1|',
      '<table>\n<thead>\n<tr>\n<th class="align-right">a</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td class="align-right">1</td>\n</tr>\n</tbody>\n</table>\n',
    ],
    [
      'Python',
      '```py\nreturn "<"\n```',
      '<pre><code><span class="hljs-keyword">return</span> <span class="hljs-string">"&lt;"</span>\n</code></pre>\n',
    ],
    ['another language', '```html"onclick="x\n<b>\n```', '<pre><code>&lt;b&gt;\n</code></pre>\n'],
    ['what hides', 'a\u{202e}b `\u{200b}`', '<p>a\\u202eb <code>\\u200b</code></p>\n'],
    ['escape sequences', '\u{1b}[31mred\u{1b}]0;t\u{7}', '<p>red</p>\n'],
  ])('%s', (_, text, html) => expect(markdownToHtml(text)).toBe(html))

  test('nothing acts, whatever the text', () => {
    const unit = fc.constantFrom(...HOSTILE)
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 60 }), (text) => {
        const tags = markdownToHtml(text).match(/<[^>]*>/g) ?? []
        for (const tag of tags) {
          expect(tag).toMatch(
            /^<(\/?(h[1-6]|p|blockquote|pre|[uo]l|li|t(able|head|body|r|h|d)|em|strong|s|code|a|span)|(hr|br) ?\/|a href="https?:\/\/[^"\s]*" rel="noopener noreferrer nofollow" target="_blank"|(span|th|td) class="[\w -]+"|ol start="\d+")>$/,
          )
        }
      }),
      { numRuns: 2000 },
    )
  })

  test.each(['[', '![', '*a ', '_*', '>', '- ', '`', '<http://', '[a](', '|a', '~~a~', '&'])(
    'takes no long time for %s again and again',
    (part) => {
      const began = performance.now()
      markdownToHtml(part.repeat(100_000 / part.length))
      expect(performance.now() - began).toBeLessThan(4000)
    },
  )

  test('a very long text is shown plain, and whole', () =>
    expect(markdownToHtml(`<${'*x* '.repeat(50_000)}`)).toBe(`<pre>&lt;${'*x* '.repeat(50_000)}</pre>`))
})
