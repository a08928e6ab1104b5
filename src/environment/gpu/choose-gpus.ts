/** Which of a machine's GPUs a sandbox gets. Pure. */
import { SeerError } from '../../errors.ts'
import type { Gpu } from './nvidia-smi.ts'

export interface AskedGpus {
  readonly gpu: string
  readonly count: number
}

/** Those of the kind that was asked for, the ones with the most free memory first. Throws `gpu-missing`. */
export function chooseGpus({ gpu, count }: AskedGpus, found: readonly Gpu[]): Gpu[] {
  const ofKind = found.filter(({ name }) => isOfKind(name, gpu))
  const whole = ofKind.filter(({ isDivided }) => !isDivided)
  if (whole.length >= count) return whole.toSorted((a, b) => (b.freeMiB ?? 0) - (a.freeMiB ?? 0)).slice(0, count)
  const divided = ofKind.length - whole.length
  throw new SeerError('gpu-missing', {
    message: `${count === 1 ? `A GPU "${gpu}" was` : `${count} GPUs "${gpu}" were`} asked for. This machine has ${described(found)}.`,
    hint:
      divided > 0 && ofKind.length >= count
        ? 'Those that are divided (MIG) cannot be used: Seer gives whole GPUs only.'
        : ofKind.length > 0
          ? `Ask for ${whole.length === 1 ? 'one' : `at most ${whole.length}`} (gpuCount), or run it where there are more.`
          : 'Write `gpu` as its name has it (such as "A100"), or null for the CPU.',
  })
}

/**
 * Every word of `asked` must be one of the name's, so that `A10` is no A100 and `L4` no L40S; a word may also be several of the name's
 * in one (`RTX4090`).
 */
export function isOfKind(name: string, asked: string): boolean {
  const words = wordsOf(name)
  const runs = new Set(
    words.flatMap((_, from) => words.slice(from).map((_, more) => words.slice(from, from + more + 1).join(''))),
  )
  const wanted = wordsOf(asked)
  return wanted.length > 0 && wanted.every((word) => runs.has(word))
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z0-9]+/g) ?? []
}

/** `2 × NVIDIA A100-SXM4-80GB (80 GiB each) and 1 × …`, or `none`. */
export function described(gpus: readonly Gpu[]): string {
  const kinds = new Map<string, number>()
  for (const { name, memoryMiB, isDivided } of gpus) {
    const size = memoryMiB === null ? '' : ` (${Math.round(memoryMiB / 1024)} GiB)`
    const kind = `${name}${size}${isDivided ? ', divided' : ''}`
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  }
  const parts = [...kinds].map(([kind, count]) => `${count} × ${kind}`)
  return parts.length === 0 ? 'none' : parts.join(' and ')
}
