/** The known word nearest to a mistyped one, or undefined when none is near (more than a third of its letters differ). */
export function closest(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = Infinity
  for (const candidate of known) {
    // At least so many letters differ. A word may be a megabyte that a model sent, and nobody can wait for that one.
    if (Math.abs(word.length - candidate.length) > allowed(candidate)) continue
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best !== undefined && bestDistance <= allowed(best) ? best : undefined
}

const allowed = (candidate: string) => Math.max(2, Math.floor(candidate.length / 3))

/** `; did you mean "x"?`, or nothing. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const near = closest(word, known)
  return near === undefined ? '' : `; did you mean "${near}"?`
}

// Levenshtein, one row at a time.
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitute = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, substitute))
    }
    row = next
  }
  return row[b.length]!
}
