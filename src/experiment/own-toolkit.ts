import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Library } from '../workspace/library.ts'

/** Where a copied experiment keeps the toolkit files that are its own to change. */
export const TOOLKIT_FOLDER = 'toolkit'

/** A toolkit file by its name: the experiment's own copy where it has one, else Seer's. */
export function toolkitOf(experimentFolder: string): (name: string) => Library {
  return (name) => {
    const own = join(experimentFolder, TOOLKIT_FOLDER, `${name}.py`)
    return existsSync(own) ? Library.fromFile(own) : Library.toolkit(name)
  }
}
