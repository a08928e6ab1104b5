/** LaTeX as it is read, not set: how it is to be set (IPython's `Math` says so) is left out. */
export function latexText(value: string): string {
  return value.replaceAll(/\\displaystyle\s*/g, '')
}
