/**
 * Characters that act on a text or hide in it, made visible: controls, changes of direction, letters without width or ink.
 * What a reader approves must be what stands there.
 */

// Cf holds the marks of direction and most of what has no width; the rest are fillers, separators and selectors of variants.
const RANGES = [
  '034f',
  '115f',
  '1160',
  '17b4',
  '17b5',
  '180b-180d',
  '180f',
  '2028',
  '2029',
  '3164',
  'ffa0',
  'e0100-e01ef',
]
const CLASS = RANGES.map((range) => range.replaceAll(/[0-9a-f]+/g, '\\u{$&}')).join('')
const HIDDEN = new RegExp(`[^\\P{Cc}\\n\\t]|\\p{Cf}|[${CLASS}]|(?<=[\\ufe00-\\ufe0f])[\\ufe00-\\ufe0f]`, 'gu')
const MAY_HIDE = /[^\n\t\x20-\x7e]/

/** Newlines and tabs stay, and joiners where a script or an emoji needs them. */
export function showHidden(text: string): string {
  if (!MAY_HIDE.test(text)) return text
  return text.replaceAll(HIDDEN, (character, at: number) => {
    const code = character.codePointAt(0)!
    if (code < 0x20) return String.fromCharCode(0x2400 + code)
    if (isJoiner(code) && joins(text, at)) return character
    return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`
  })
}

const isJoiner = (code: number): boolean => code === 0x200c || code === 0x200d

/** Between two emoji, or two letters of a script that is written with joiners. */
function joins(text: string, at: number): boolean {
  const before = /(.)\p{M}*$/u.exec(text.slice(Math.max(0, at - 8), at))?.[0] ?? ''
  const after = String.fromCodePoint(text.codePointAt(at + 1) ?? 0x20)
  const isEmoji = /[\p{Extended_Pictographic}\p{Emoji_Modifier}]/u
  const isJoined =
    /[\p{sc=Arab}\p{sc=Deva}\p{sc=Beng}\p{sc=Sinh}\p{sc=Mlym}\p{sc=Telu}\p{sc=Knda}\p{sc=Taml}\p{sc=Gujr}\p{sc=Mong}]/u
  return (isEmoji.test(before) && isEmoji.test(after)) || (isJoined.test(before) && isJoined.test(after))
}
