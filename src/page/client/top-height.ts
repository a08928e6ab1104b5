/** How tall the bar over every page is: measured when it changes, since asking at every step of scrolling is slow. */

let height = 0

export function topHeight(): number {
  return height
}

export function watchTop(element: HTMLElement): () => void {
  const watch = new ResizeObserver(() => {
    height = element.offsetHeight
    document.documentElement.style.setProperty('--top-height', `${height}px`)
  })
  watch.observe(element)
  return () => watch.disconnect()
}
