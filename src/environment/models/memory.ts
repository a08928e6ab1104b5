import { totalmem } from 'node:os'
import { SeerError } from '../../errors.ts'

/** What a kernel takes beside the weights: Python, torch, transformers and a short forward pass. */
const KERNEL_BYTES = 1.2e9

export interface Load {
  readonly name: string
  readonly bytes: number
  readonly dtype: string
  readonly parameters: number
  /** As asked for: `auto` is a GPU where there is one. */
  readonly device?: string
}

/** On the CPU into this machine's memory, on GPUs into theirs; where that is not told (0), nobody knows. */
export function checkAllFit(loads: readonly Load[], freeGpuBytes?: number): void {
  const isOnCpu = ({ device }: Load) => freeGpuBytes === undefined || device === 'cpu'
  checkFit(loads.filter(isOnCpu))
  const others = loads.filter((load) => !isOnCpu(load))
  const weights = others.reduce((sum, { bytes }) => sum + bytes, 0)
  if (freeGpuBytes === undefined || freeGpuBytes === 0 || weights <= freeGpuBytes) return
  throw new SeerError('model-too-big', {
    message: `${described(others)}: too big for the ${gigabytes(freeGpuBytes)} of memory that are free on the GPUs.`,
    hint: 'Choose a smaller model or dtype, a larger `gpuCount` or GPU, or `device: "cpu"`.',
  })
}

/** Throws `model-too-big`, with the numbers, where the models do not fit into the memory that is free. */
export function checkFit(loads: readonly Load[], freeBytes = process.availableMemory(), allBytes = totalmem()): void {
  const weights = loads.reduce((sum, { bytes }) => sum + bytes, 0)
  if (weights === 0 || weights + KERNEL_BYTES <= freeBytes) return
  const fitsAlone = weights + KERNEL_BYTES <= allBytes
  throw new SeerError('model-too-big', {
    message: `${described(loads)}: too big. With ${gigabytes(KERNEL_BYTES)} for the kernel that is more than the ${gigabytes(freeBytes)} of memory that are free of this machine’s ${gigabytes(allBytes)}.`,
    hint: fitsAlone
      ? 'Close what takes the memory, or choose a smaller model or a smaller dtype.'
      : 'Choose a smaller model, a smaller dtype, or a machine with more memory.',
  })
}

function described(loads: readonly Load[]): string {
  const each = loads.map(
    ({ name, bytes, dtype, parameters }) =>
      `${name} takes about ${gigabytes(bytes)}${parameters > 0 ? ` (${billions(parameters)} weights${dtype === 'auto' ? '' : ` in ${dtype}`})` : ''}`,
  )
  return each.join(', ')
}

export function gigabytes(bytes: number): string {
  return bytes < 1e8 ? `${Math.max(1, Math.round(bytes / 1e6))} MB` : `${(bytes / 1e9).toFixed(1)} GB`
}

function billions(n: number): string {
  return n < 1e9 ? `${(n / 1e6).toFixed(n < 1e8 ? 1 : 0)} million` : `${(n / 1e9).toFixed(1)} billion`
}
