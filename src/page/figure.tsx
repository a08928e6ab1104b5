/** A picture that a cell showed. Its place is kept where its size is known, and it is fetched when it comes near. */
import { useState } from 'preact/hooks'
import { blobOf } from '../notebook/mime.ts'
import type { BlobRef } from '../notebook/nbformat.ts'
import { imageSize } from './image-size.ts'
import type { View } from './view.ts'

export interface FigureProps {
  readonly mime: string
  readonly value: string | BlobRef
  readonly alt: string
  readonly view: View
}

export function Figure({ mime, value, alt, view }: FigureProps) {
  const blob = blobOf(value)
  const base64 = typeof value === 'string' ? value.replaceAll(/\s/g, '') : ''
  const url = blob ? view.artifactUrl(blob.blob) : `data:${mime};base64,${base64}`
  const known = blob ? view.sizeOf?.(url) : imageSize(base64)
  return <Picture url={url} alt={alt} view={view} known={known} comesLater={blob !== undefined} />
}

interface PictureProps {
  readonly url: string
  readonly alt: string
  readonly view: View
  readonly known?: { width: number; height: number } | undefined
  /** It is fetched, and until then takes about as much room as most figures do. */
  readonly comesLater?: boolean
}

export function Picture({ url, alt, view, known, comesLater = false }: PictureProps) {
  const { onFigure, onImage } = view
  const [isLost, setLost] = useState(false)
  if (isLost) return <p class="left-out">{alt} cannot be shown: its file is missing or damaged.</p>
  const image = (
    <img
      src={url}
      alt={alt}
      loading="lazy"
      decoding="async"
      class={!known && comesLater ? 'size-unknown' : ''}
      {...known}
      {...(onImage && {
        onError: () => setLost(true),
        onLoad: ({ currentTarget }: Event) => {
          const { naturalWidth, naturalHeight } = currentTarget as unknown as {
            naturalWidth: number
            naturalHeight: number
          }
          onImage(url, naturalWidth, naturalHeight)
        },
      })}
    />
  )
  return (
    <figure class="figure">
      {onFigure ? (
        <button
          type="button"
          class="figure-open"
          aria-label={`${alt}: show it large`}
          onClick={() => onFigure(url, alt)}
        >
          {image}
        </button>
      ) : (
        image
      )}
    </figure>
  )
}
