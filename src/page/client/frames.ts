/** Work in pieces between two pictures, so that the page stays responsive however much comes. */

/** Hidden pages get no animation frames. */
export function nextFrame(run: () => void): () => void {
  if (document.hidden) {
    const timer = setTimeout(run, 100)
    return () => clearTimeout(timer)
  }
  const frame = requestAnimationFrame(run)
  return () => cancelAnimationFrame(frame)
}
