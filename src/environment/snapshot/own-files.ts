/** What Seer itself puts into every workspace, anew for each sandbox: no snapshot has it, and none brings it. */
import { SAVED_FOLDER } from '../save-result.ts'

/** What `seer.save` left has been copied to the run. */
const OWN = ['.ipython', '.matplotlib', SAVED_FOLDER, 'libraries/__pycache__']
/** Of the place for the agent's own packages (`python/seer_spawner/layer.py`) all but the packages. */
const OWN_LAYER = /^\.packages\/(pyvenv\.cfg|bin\/(python|pip3?)|lib\/[^/]+\/site-packages\/_environment\.pth)$/

/** `more`: other files of Seer's own. */
export function isOwnFile(path: string, more: readonly string[] = []): boolean {
  return OWN_LAYER.test(path) || [...OWN, ...more].some((one) => path === one || path.startsWith(`${one}/`))
}
