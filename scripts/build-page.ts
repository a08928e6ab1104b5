/**
 * Builds src/page with Vite into a folder: the page for the browser (`index.html`, `assets/`) and the report's renderer for
 * Node (`report.js`), each with all that it imports. The npm package brings the folder; a checkout has it in its cache.
 */
import { join, resolve } from 'node:path'
import { build, type InlineConfig } from 'vite'

const [folder, parent] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: scripts/build-page.ts <folder> [pid of the parent]')
process.env.NODE_ENV = 'production' // or the page is built as for debugging
// When whoever asked was killed, somebody else may be building in its place by now.
const isAsked = () => parent === undefined || process.ppid === Number(parent)
setInterval(() => isAsked() || process.exit(1), 50).unref()

const shared: InlineConfig = {
  root: join(import.meta.dirname, '..', 'src/page'),
  configFile: false,
  envFile: false,
  publicDir: false,
  logLevel: 'error',
  mode: 'production',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
}
const into = { outDir: resolve(folder), emptyOutDir: false, target: 'es2024' }

try {
  if (!isAsked()) process.exit(1)
  // Nothing but images may come from a data: URL, and one entry needs no preloading.
  await build({ ...shared, build: { ...into, assetsInlineLimit: 0, modulePreload: false } })
  await build({
    ...shared,
    ssr: { noExternal: true },
    build: {
      ...into,
      ssr: 'report/report.tsx',
      minify: false,
      rolldownOptions: { output: { entryFileNames: 'report.js', codeSplitting: false } },
    },
  })
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
