/**
 * Stays at the end while new things come, until the reader scrolls up. Only the reader's own scrolling counts: the page's
 * contents grow and shrink, which moves it too.
 */

const INTENT_MS = 400
const AT_END_PX = 48

export interface Follow {
  /** To be called whenever heights may have changed. */
  settle(): void
  set(on: boolean): void
  close(): void
}

export function openFollow(onChange: (on: boolean) => void): Follow {
  let on = false
  let upAt = -Infinity
  let touchY: number | undefined
  let lastY = window.scrollY
  let dragging = false

  const set = (next: boolean) => {
    if (next) toEnd()
    if (next === on) return
    on = next
    onChange(on)
  }
  const meansUp = () => (upAt = performance.now())
  const listen = new AbortController()
  const { signal } = listen
  const options = { passive: true, signal }
  window.addEventListener('wheel', (event) => event.deltaY < 0 && meansUp(), options)
  window.addEventListener('touchstart', (event) => (touchY = event.touches[0]?.clientY), options)
  window.addEventListener(
    'touchmove',
    (event) => {
      const y = event.touches[0]?.clientY
      if (y !== undefined && touchY !== undefined && y > touchY) meansUp()
      touchY = y
    },
    options,
  )
  window.addEventListener(
    'keydown',
    (event) => ['ArrowUp', 'PageUp', 'Home'].includes(event.key) && !isTyping(event.target) && meansUp(),
    options,
  )
  // On the bar beside the page: beyond the document's own width.
  window.addEventListener(
    'pointerdown',
    (event) => (dragging = event.clientX >= document.documentElement.clientWidth),
    options,
  )
  window.addEventListener('pointerup', () => (dragging = false), options)
  window.addEventListener(
    'scroll',
    () => {
      const wentUp = window.scrollY < lastY - 1
      lastY = window.scrollY
      if (on && wentUp && (dragging || performance.now() - upAt < INTENT_MS)) set(false)
    },
    options,
  )
  return {
    settle: () => {
      if (on) toEnd()
    },
    set,
    close: () => listen.abort(),
  }
}

export function isAtEnd(): boolean {
  return window.scrollY + window.innerHeight >= document.documentElement.scrollHeight - AT_END_PX
}

export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}

function toEnd(): void {
  window.scrollTo({ top: document.documentElement.scrollHeight, behavior: 'instant' })
}
