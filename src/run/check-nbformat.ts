import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'

// Exit code 3: this Python has no nbformat, so nothing was found out.
const SCRIPT = `
import json, sys
try:
    import nbformat
except ImportError:
    sys.exit(3)
try:
    with open(sys.argv[1], encoding="utf-8") as file:
        notebook = json.load(file)
    nbformat.validate(notebook, relax_add_props=False)
    nbformat.v4.nbjson.JSONReader().reads(json.dumps(notebook))
except Exception as error:
    print(str(error)[:2000])
    sys.exit(4)
`

/** Asks Python's nbformat whether a notebook is valid. */
export async function checkNbformat(
  notebook: string,
  python: string | undefined,
): Promise<{ verdict: 'valid' | 'not checked' } | { verdict: 'invalid'; detail: string }> {
  if (python === undefined || !existsSync(python) || !existsSync(notebook)) return { verdict: 'not checked' }
  try {
    await promisify(execFile)(python, ['-I', '-c', SCRIPT, notebook], { timeout: 120_000 })
    return { verdict: 'valid' }
  } catch (error) {
    const { code, stdout } = error as { code?: unknown; stdout?: string }
    return code === 4 ? { verdict: 'invalid', detail: stdout?.trim() ?? '' } : { verdict: 'not checked' }
  }
}
