import { Dialog } from './dialog.tsx'

/** A figure as large as the window. */
export function Lightbox({ url, alt, onClose }: { url: string; alt: string; onClose: () => void }) {
  return (
    <Dialog label={alt} class="lightbox" onClose={onClose}>
      <img src={url} alt={alt} />
      <form method="dialog" class="lightbox-foot">
        <span class="quiet">{alt}</span>
        <button type="submit" autofocus>
          Close
        </button>
      </form>
    </Dialog>
  )
}
