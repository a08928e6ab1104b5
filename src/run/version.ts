import { readFileSync } from 'node:fs'
import { z } from 'zod'

const packageJson: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

/** The version of this installation, as in its package.json. */
export const SEER_VERSION: string = z.object({ version: z.string() }).parse(packageJson).version
