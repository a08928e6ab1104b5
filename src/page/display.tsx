/** What a cell displayed: the richest of its kinds that can be shown without giving it any power. */
import { blobOf, isJsonMime, rasterMimeOf, textMimeOf } from '../notebook/mime.ts'
import type { BlobRef, MimeBundle } from '../notebook/nbformat.ts'
import { latexText } from '../notebook/latex-text.ts'
import { PLOTLY_MIME, plotlyText } from '../notebook/plotly-text.ts'
import { readableJson } from '../notebook/readable-json.ts'
import { neutralise } from '../notebook/terminal-text.ts'
import { size } from '../amounts.ts'
import { Disclosure } from './disclosure.tsx'
import { Figure, Picture } from './figure.tsx'
import { Frame } from './frame.tsx'
import { LongText } from './long-text.tsx'
import { recordedRow, RecordedRow } from './recorded-row.tsx'
import { tableHtml } from './table-html.ts'
import { ansiToHtml } from './text/ansi.ts'
import { markdownToHtml } from './text/markdown.ts'
import { svgDataUrl } from '../notebook/svg-url.ts'
import type { View } from './view.ts'

const HEAD = 24
const TAIL = 8

export interface DisplayProps {
  readonly id: string
  readonly data: MimeBundle
  readonly label: string
  readonly view: View
}

export function Display({ id, data, label, view }: DisplayProps) {
  const row = recordedRow(data)
  if (row) return <RecordedRow row={row} />
  const raster = rasterMimeOf(data)
  const picture = raster === undefined ? undefined : data[raster]
  if (raster !== undefined && (typeof picture === 'string' || blobOf(picture))) {
    return <Figure mime={raster} value={picture as string | BlobRef} alt={label} view={view} />
  }
  const svg = data['image/svg+xml']
  if (typeof svg === 'string') return <Picture url={svgDataUrl(svg)} alt={label} view={view} />
  if (PLOTLY_MIME in data) return <Plotly value={data[PLOTLY_MIME]} view={view} />
  const html = data['text/html']
  if (typeof html === 'string') return <Html id={id} html={html} plain={data['text/plain']} label={label} view={view} />
  const markdown = data['text/markdown']
  if (typeof markdown === 'string') {
    return <div class="prose display-markdown" dangerouslySetInnerHTML={{ __html: markdownToHtml(markdown) }} />
  }
  const mime = textMimeOf(data)
  return mime === undefined ? (
    <p class="left-out">{`Nothing of it can be shown (${Object.keys(data).join(', ')}).`}</p>
  ) : (
    <Text id={id} mime={mime} value={data[mime]} view={view} />
  )
}

/** Drawing it would be running code. */
function Plotly({ value, view }: { value: unknown; view: View }) {
  const blob = blobOf(value)
  const name = blob && `plotly-${blob.blob.slice(0, 8)}.json`
  return (
    <p class="left-out">
      {neutralise(plotlyText(value))}
      {blob && (
        <>
          {' · '}
          <a href={view.artifactUrl(blob.blob, name)} download={name}>
            its JSON as a file
          </a>
        </>
      )}
    </p>
  )
}

function Html({
  id,
  html,
  plain,
  label,
  view,
}: {
  id: string
  html: string
  plain: unknown
  label: string
  view: View
}) {
  const table = tableHtml(html)
  if (table !== undefined) {
    return (
      <div class="table" tabIndex={0} role="group" aria-label={label} dangerouslySetInnerHTML={{ __html: table }} />
    )
  }
  return (
    <div class="html">
      <Frame html={html} label={label} />
      {typeof plain === 'string' && plain.trim() !== '' && (
        <Disclosure id={`${id}-plain`} view={view} class="quiet" summary="as text">
          {() => <Text id={`${id}-plain-text`} mime="text/plain" value={plain} view={view} />}
        </Disclosure>
      )}
    </div>
  )
}

function Text({ id, mime, value, view }: { id: string; mime: string; value: unknown; view: View }) {
  const blob = blobOf(value)
  const text = blob ? (blob.head ?? '') : textOf(mime, value)
  const name = blob && `output-${blob.blob.slice(0, 8)}.txt`
  return (
    <div class="display-text">
      <LongText
        id={id}
        view={view}
        text={text}
        toHtml={ansiToHtml}
        class="stream-text"
        head={HEAD}
        tail={blob ? 0 : TAIL}
        label="Displayed text"
      />
      {blob && (
        <p class="left-out">
          The start of {size(blob.bytes)} of {mime} ·{' '}
          <a href={view.artifactUrl(blob.blob, name)} download={name}>
            all of it as a file
          </a>
        </p>
      )}
    </div>
  )
}

function textOf(mime: string, value: unknown): string {
  if (isJsonMime(mime) || typeof value !== 'string') return readableJson(value)
  return mime === 'text/latex' ? latexText(value) : value
}
