/** What the files of a model say of it, whether they lie here or are still on the hub. */
import { z } from 'zod'
import type { Elements } from './safetensors.ts'

export interface ModelFiles {
  readonly weights: readonly { readonly name: string; readonly bytes: number }[]
  /** Undefined for formats that do not tell without being loaded. */
  readonly elements: Elements | undefined
  readonly config: ConfigFacts
}

const configSchema = z.object({
  dtype: z.string().nullish(),
  /** The older name. */
  torch_dtype: z.string().nullish(),
  text_config: z.object({ dtype: z.string().nullish(), torch_dtype: z.string().nullish() }).nullish(),
  quantization_config: z
    .object({ quant_method: z.string().nullish(), bits: z.number().nullish(), load_in_4bit: z.boolean().nullish() })
    .nullish(),
})
export const NOT_QUANTISED = 'not quantised'

export type ConfigFacts = { readonly dtype: string | undefined; readonly quantisation: string }

export function configFacts(config: unknown): ConfigFacts {
  const parsed = configSchema.safeParse(config).data
  const { text_config: text, quantization_config: how } = parsed ?? {}
  const bits = how?.bits ?? (how?.load_in_4bit ? 4 : undefined)
  return {
    dtype: parsed?.dtype ?? parsed?.torch_dtype ?? text?.dtype ?? text?.torch_dtype ?? undefined,
    quantisation: how
      ? `${how.quant_method ?? 'quantised'}${bits === undefined ? '' : `, ${bits} bits`}`
      : NOT_QUANTISED,
  }
}

/** Bytes of a number, as torch names its type and as safetensors does. */
const TORCH_BYTES: Record<string, number> = { float32: 4, bfloat16: 2, float16: 2 }
const STORED_BYTES: Record<string, number> = { F64: 8, I64: 8, F32: 4, I32: 4, BF16: 2, F16: 2, I16: 2 }
const TORCH_NAMES: Record<string, string> = { F32: 'float32', BF16: 'bfloat16', F16: 'float16', F64: 'float32' }

/** What `auto` is for these files: how most of the numbers are stored. Quantised weights are left to transformers. */
export function dtypeOf({ elements, config }: ModelFiles, asked: string): string {
  if (asked !== 'auto') return asked
  if (config.quantisation !== NOT_QUANTISED) return 'auto'
  const [most] = Object.entries(elements ?? {}).sort(([, a], [, b]) => b - a)
  const stored = (most && TORCH_NAMES[most[0]]) ?? config.dtype
  return stored !== undefined && ['float32', 'bfloat16', 'float16'].includes(stored) ? stored : 'float32'
}

export function storedBytes({ weights }: ModelFiles): number {
  return weights.reduce((sum, { bytes }) => sum + bytes, 0)
}

export function parametersOf({ elements }: ModelFiles): number {
  return Object.values(elements ?? {}).reduce((sum, n) => sum + n, 0)
}

/** The memory that the weights take once they are loaded as `dtype`. */
export function loadedBytes(files: ModelFiles, dtype: string): number {
  const target = TORCH_BYTES[dtype]
  if (!files.elements) {
    const stored = TORCH_BYTES[files.config.dtype ?? '']
    return target && stored ? (storedBytes(files) / stored) * target : storedBytes(files)
  }
  const bytesOf = (code: string) => (target && code in TORCH_NAMES ? target : (STORED_BYTES[code] ?? 1))
  return Object.entries(files.elements).reduce((sum, [code, n]) => sum + n * bytesOf(code), 0)
}
