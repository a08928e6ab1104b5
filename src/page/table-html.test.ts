import { expect, test } from 'vitest'
import { tableHtml } from './table-html.ts'

test('the cells and their text, and nothing else', () => {
  const html =
    '<div><style scoped>.x{}</style><table border="1" class="dataframe" style="x"><thead><tr onclick="x"><th>a &lt; b</th></tr></thead><tbody><tr><td colspan="2" id="top"><b>1</b></td></tr></tbody></table></div>'
  expect(tableHtml(html)).toBe(
    '<table><thead><tr><th>a &lt; b</th></tr></thead><tbody><tr><td colspan="2">1</td></tr></tbody></table>',
  )
})

test.each([
  ['no table', '<p>x</p>'],
  ['a picture in it', '<table><tr><td><img src="http://x/y.png"></td></tr></table>'],
  ['a script beside it', '<table></table><script>x</script>'],
  ['a link in it', '<table><tr><td><a href="http://x">x</a></td></tr></table>'],
  ['a drawing in it', '<table><tr><td><svg></svg></td></tr></table>'],
])('%s: it stays in a frame', (_, html) => {
  expect(tableHtml(html)).toBeUndefined()
})
