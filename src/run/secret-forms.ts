/**
 * The forms in which a secret comes to stand in a text by accident: as it is, in base64, in an address, in JSON, in Python's `repr`, in
 * HTML. One list, made here, for this process and for the sandbox's host alike.
 */

/** Longest first. Space around a value is not part of it: a file's last newline would hide the rest from the search. */
export function formsOf(value: string): string[] {
  const core = value.trim()
  const forms = new Set([core, ...base64Forms(core), ...urlForms(core), ...escapedForms(core), ...htmlForms(core)])
  return [...forms].sort((a, b) => b.length - a.length)
}

/**
 * What stands before a value decides how its bytes fall on the letters of base64: in one of three ways. Of each there is what depends
 * on the value alone, wherever it stands, and, where the value comes last, its end with and without padding.
 */
function base64Forms(core: string): string[] {
  const bytes = Buffer.from(core)
  const forms = [0, 1, 2].flatMap((before) => {
    const padded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    const from = Math.ceil((before * 8) / 6)
    const to = Math.floor(((before + bytes.length) * 8) / 6)
    return [padded.slice(from), padded.slice(from).replace(/=+$/, ''), padded.slice(from, to)]
  })
  // As the command `base64` and Python's `encodebytes` break their lines.
  const lines = bytes.toString('base64').match(/.{1,76}/g) ?? []
  const all = [...forms, lines.join('\n')]
  return [...all, ...all.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'))]
}

/** Left as they are: by everyone; and besides, by Python's `quote`, by `encodeURIComponent`, by `encodeURI`. */
const UNRESERVED = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~'
const LEFT_BY = ['', '/', "!*'()", "!*'();/?:@&=+$,#"]

function urlForms(core: string): string[] {
  const bytes = [...Buffer.from(core)]
  return LEFT_BY.flatMap((also) => {
    const left = new Set(UNRESERVED + also)
    const encode = (hex: (byte: number) => string) =>
      bytes.map((byte) => (left.has(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `%${hex(byte)}`)).join('')
    const lower = encode(hexOf)
    const upper = encode((byte) => hexOf(byte).toUpperCase())
    return [lower, upper, lower.replaceAll('%20', '+'), upper.replaceAll('%20', '+')]
  })
}

/** Inside the quotes of JSON (also of JSON in JSON) and of Python. */
function escapedForms(core: string): string[] {
  const json = inJson(core)
  const ascii = json.replace(/[\u007f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
  // oxlint-disable-next-line no-control-regex
  const python = core.replace(/[\\\u0000-\u001f\u007f]/g, (char) => PYTHON[char] ?? `\\x${hexOf(char.charCodeAt(0))}`)
  return [
    ...[json, ascii].flatMap((form) => [form, form.replaceAll('/', '\\/'), inJson(form)]),
    python,
    python.replaceAll("'", "\\'"),
  ]
}

const PYTHON: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function htmlForms(core: string): string[] {
  const tags = core.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  const quoted = (double: string, single: string) => tags.replaceAll('"', double).replaceAll("'", single)
  return [tags, quoted('&quot;', '&#x27;'), quoted('&quot;', '&#39;'), quoted('&#34;', '&#39;')]
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

function hexOf(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}
