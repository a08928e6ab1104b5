/** Amounts as a person reads them. */
export function duration(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** Also below a second: `60 ms`. */
export function fineDuration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : duration(ms)
}

/** Of what goes on: whole seconds, so that it does not flicker. */
export function elapsed(ms: number): string {
  return ms < 1000 ? '0 s' : ms < 10_000 ? `${Math.floor(ms / 1000)} s` : duration(ms)
}

/** As few characters as say it, for tables: `1m18s`. */
export function shortDuration(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)}s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes}m${seconds % 60}s` : `${Math.floor(minutes / 60)}h${minutes % 60}m`
}

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB']

/** 1000 bytes are a kilobyte, as disks count. */
export function size(bytes: number): string {
  if (bytes < 1000) return bytes === 1 ? '1 byte' : `${bytes} bytes`
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** power
  return `${value < 100 ? value.toFixed(1) : Math.round(value)} ${UNITS[power]}`
}

export function count(n: number): string {
  return n.toLocaleString('en-US')
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`
}

/** As a person would write it: four digits that count. */
export function number(value: number): string {
  if (Number.isInteger(value)) return count(value)
  return Math.abs(value) >= 1e-3 && Math.abs(value) < 1e6
    ? String(Number(value.toPrecision(4)))
    : value.toExponential(2)
}

/** Small sums keep the digits that count. */
export function usd(amount: number): string {
  return `${amount.toFixed(amount > 0 && amount < 0.1 ? 4 : 2)} USD`
}

/** The beginning of a text, at a word's end. */
export function shortened(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text
  const cut = text.slice(0, maxChars).toWellFormed()
  return `${cut.slice(0, Math.max(cut.lastIndexOf(' '), maxChars / 2))} …`
}

/** `23 Nov 2026, 08:04 UTC`: the same words for whoever reads it, wherever. */
export function dateTime(at: string): string {
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return 'an unknown time'
  const day = date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' })
  return `${day}, ${date.toISOString().slice(11, 16)} UTC`
}
