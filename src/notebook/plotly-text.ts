/** What a Plotly figure is, in a few words: its data are drawn by a program in a browser, and nobody wants to read them. */
import { z } from 'zod'
import type { BlobRef } from './nbformat.ts'
import { blobOf } from './mime.ts'

export const PLOTLY_MIME = 'application/vnd.plotly.v1+json'

const MAX_TRACES = 12
const MAX_WORDS = 80

const titleSchema = z.union([z.string(), z.looseObject({ text: z.string() }).transform(({ text }) => text)])
const title = titleSchema.optional().catch(undefined)
const axis = z.looseObject({ title }).optional().catch(undefined)
const length = z
  .union([
    z.array(z.unknown()).transform((values) => values.length),
    // Arrays of numpy come packed.
    z.looseObject({ bdata: z.string(), dtype: z.string(), shape: z.string().optional() }).transform(packedLength),
  ])
  .optional()
  .catch(undefined)
const text = z.string().optional().catch(undefined)
const figureSchema = z.looseObject({
  data: z.array(
    z.looseObject({ type: text, name: text, x: length, y: length, z: length, values: length, labels: length }),
  ),
  layout: z.looseObject({ title, xaxis: axis, yaxis: axis }).optional().catch(undefined),
})

export function plotlyText(value: unknown): string {
  const blob = blobOf(value)
  if (blob) return `[Plotly figure, ${bytes(blob)} of JSON; it is in the notebook]`
  const figure = figureSchema.safeParse(value)
  if (!figure.success) return '[Plotly figure]'
  const { data, layout } = figure.data
  const traces = data.slice(0, MAX_TRACES).map((trace) => {
    const points = trace.y ?? trace.x ?? trace.z ?? trace.values ?? trace.labels
    const name = trace.name === undefined ? '' : ` ${quoted(trace.name)}`
    return `${(trace.type ?? 'scatter').slice(0, MAX_WORDS)}${name}${points === undefined ? '' : ` (${points} ${points === 1 ? 'point' : 'points'})`}`
  })
  const more = data.length > MAX_TRACES ? [`and ${data.length - MAX_TRACES} more`] : []
  const axes = (['xaxis', 'yaxis'] as const).flatMap((name) => {
    const said = layout?.[name]?.title
    return said === undefined ? [] : [`${name[0]}: ${quoted(said)}`]
  })
  const titled = layout?.title === undefined ? '' : ` ${quoted(layout.title)}`
  return `[Plotly figure${titled}: ${[...traces, ...more, ...axes].join(', ') || 'empty'}]`
}

function packedLength({ bdata, dtype, shape }: { bdata: string; dtype: string; shape?: string | undefined }) {
  const rows = /^\d+/.exec(shape ?? '')?.[0]
  if (rows !== undefined) return Number(rows)
  const size = Number(/\d$/.exec(dtype)?.[0] ?? 1)
  return Math.floor((bdata.replace(/=+$/, '').length * 3) / 4 / size)
}

const quoted = (said: string): string => JSON.stringify(said.length > MAX_WORDS ? `${said.slice(0, MAX_WORDS)}…` : said)

const bytes = ({ bytes: n }: BlobRef): string => `${n.toLocaleString('en-US')} bytes`
