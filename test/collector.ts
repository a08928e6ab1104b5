/** An output that keeps what was written, as wide as a terminal would be. */
export function collector(columns = 80) {
  return {
    columns,
    text: '',
    write(text: string) {
      this.text += text
      return true
    },
    on: () => undefined,
  }
}
