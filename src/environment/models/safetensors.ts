import { open } from 'node:fs/promises'
import { z } from 'zod'

/** Stored numbers by the type that the file names: `{ BF16: 134515008 }`. */
export type Elements = Record<string, number>

const MAX_HEADER_BYTES = 100_000_000

const headerSchema = z.record(
  z.string(),
  z.object({
    dtype: z.string(),
    shape: z.array(z.int().nonnegative()),
    data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
  }),
)

/** What a safetensors file holds, by its header; a text that says what is wrong where it is cut short or is none. */
export async function readSafetensors(path: string): Promise<{ elements: Elements } | string> {
  await using file = await open(path, 'r')
  const { size } = await file.stat()
  const start = Buffer.alloc(8)
  await file.read(start, 0, 8, 0)
  const headerBytes = Number(start.readBigUInt64LE())
  if (size < 8 || headerBytes > MAX_HEADER_BYTES || headerBytes + 8 > size) return 'is no whole safetensors file'
  const text = Buffer.alloc(headerBytes)
  await file.read(text, 0, headerBytes, 8)
  const tensors = parseHeader(text.toString('utf8'))
  if (!tensors) return 'is no safetensors file: its header cannot be read'
  const end = 8 + headerBytes + Math.max(0, ...tensors.map(({ data_offsets }) => data_offsets[1]))
  if (end !== size) return `has ${size} bytes, and its header says ${end}`
  const elements: Elements = {}
  for (const { dtype, shape } of tensors) {
    elements[dtype] = (elements[dtype] ?? 0) + shape.reduce((product, length) => product * length, 1)
  }
  return { elements }
}

function parseHeader(text: string) {
  try {
    const { __metadata__: _, ...tensors } = z.record(z.string(), z.unknown()).parse(JSON.parse(text))
    const parsed = headerSchema.safeParse(tensors)
    return parsed.success ? Object.values(parsed.data) : undefined
  } catch {
    return undefined
  }
}

export function addElements(parts: readonly Elements[]): Elements {
  const sum: Elements = {}
  for (const part of parts) for (const [dtype, n] of Object.entries(part)) sum[dtype] = (sum[dtype] ?? 0) + n
  return sum
}
