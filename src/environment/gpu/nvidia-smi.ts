/** What `nvidia-smi -q -x` says of this machine's GPUs. Pure. */

export interface Gpu {
  /** As its maker has it: `NVIDIA A100-SXM4-80GB`. */
  readonly name: string
  readonly uuid: string
  /** Its device is `/dev/nvidia<minor>`. Not its place in any list. */
  readonly minor: number
  /** Null where the driver does not tell, as on chips that share the machine's memory. */
  readonly memoryMiB: number | null
  readonly freeMiB: number | null
  /** Divided into instances (MIG), so it cannot be used as a whole. */
  readonly isDivided: boolean
}

/** GPUs without an id or a number of a device (older than any that PyTorch still supports) are left out. */
export function parseGpus(xml: string): Gpu[] {
  return [...xml.matchAll(/<gpu id="[^"]*">([^]*?)<\/gpu>/g)].flatMap(([, text = '']) => {
    // The memory of its instances comes before its own.
    const own = text.replaceAll(/<mig_devices>[^]*?<\/mig_devices>/g, '')
    const uuid = textOf(own, 'uuid')
    const minor = textOf(own, 'minor_number')
    if (!/^GPU-[0-9a-f-]+$/i.test(uuid) || !/^\d+$/.test(minor)) return []
    const memory = textOf(own, 'fb_memory_usage')
    return [
      {
        name: unescaped(textOf(own, 'product_name')),
        uuid,
        minor: Number(minor),
        memoryMiB: mebibytes(textOf(memory, 'total')),
        freeMiB: mebibytes(textOf(memory, 'free')),
        isDivided: textOf(own, 'current_mig') === 'Enabled',
      },
    ]
  })
}

function textOf(xml: string, tag: string): string {
  return new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(xml)?.[1]?.trim() ?? ''
}

function mebibytes(text: string): number | null {
  const found = /^(\d+) MiB$/.exec(text)?.[1]
  return found === undefined ? null : Number(found)
}

function unescaped(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&')
}
