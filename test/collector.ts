/** An output that keeps what was written, as wide as a terminal would be. */
export function collector(columns = 80) {
  return {
    columns,
    text: '',
    bytes: new Uint8Array() as Uint8Array,
    write(text: string | Uint8Array) {
      if (typeof text === 'string') this.text += text
      else this.bytes = text
      return true
    },
    on: () => undefined,
  }
}
