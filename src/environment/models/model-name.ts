/** What a model's name stands for. No file but the folder's own config is looked at, and no network is asked. */
import { existsSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { didYouMean } from '../../did-you-mean.ts'
import { SeerError } from '../../errors.ts'

/** The small chat model that Seer brings: real, on the CPU, without an account. */
export const EMBEDDED_MODEL = 'embedded'

export type ModelSource =
  | { readonly kind: 'embedded'; readonly name: string }
  /** `name` is the folder's own name: the rest of its path says something of the machine. */
  | { readonly kind: 'folder'; readonly name: string; readonly path: string }
  | { readonly kind: 'hub'; readonly name: string }

export const MODEL_CONFIG = 'config.json'
export const ADAPTER_CONFIG = 'adapter_config.json'

// As the hub itself has it: 96 characters at most, no "--" and no ".." in it.
const hubPart = /^[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?$/

/** `embedded`, `./folder` or `/folder`, or `org/name`. Throws `model-unsupported` for what can be none of them. */
export function sourceOf(name: string): ModelSource {
  if (name === EMBEDDED_MODEL) return { kind: 'embedded', name }
  if (/^(\/|\.\.?(\/|$))/.test(name)) return folderOf(name)
  if (isHubName(name)) return { kind: 'hub', name }
  const isFolder = name !== '' && existsSync(resolve(name))
  throw new SeerError('model-unsupported', {
    message: `The model "${name}" cannot be loaded${didYouMean(name, [EMBEDDED_MODEL]) || '.'}`,
    hint: isFolder
      ? `For the folder, write ./${name}.`
      : `A model is "${EMBEDDED_MODEL}", a folder (./path or /path), or a model of the Hugging Face hub (org/name).`,
  })
}

function isHubName(name: string): boolean {
  const parts = name.split('/')
  return (
    parts.length === 2 && name.length <= 96 && parts.every((part) => hubPart.test(part)) && !/--|\.\.|\.git$/.test(name)
  )
}

function folderOf(name: string): ModelSource {
  const path = resolve(name)
  if ([MODEL_CONFIG, ADAPTER_CONFIG].some((file) => existsSync(join(path, file)))) {
    return { kind: 'folder', name: basename(path) || name, path }
  }
  throw new SeerError('model-unsupported', {
    message: existsSync(path)
      ? `The model "${name}" cannot be loaded: there is no ${MODEL_CONFIG} (and no ${ADAPTER_CONFIG}) in ${path}.`
      : `The model "${name}" cannot be loaded: there is no folder ${path}.`,
    hint: 'A folder is what save_pretrained writes: config, weights and tokenizer. A relative path starts where the command was given.',
  })
}
