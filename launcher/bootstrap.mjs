// First-time set-up, in syntax that Node 18 runs: Node 24 into the cache, then the npm packages into the checkout.
// Prints two lines on stdout for ready.sh (the path of Node; the milliseconds of each step); progress goes to stderr.
import { ensureNode } from './ensure-node.mjs'
import { ensurePackages } from './ensure-packages.mjs'
import { SetupError } from './progress.mjs'

const [root, cache, platform] = process.argv.slice(2)
const timings = {}

try {
  const toolchain = await ensureNode({ root, cache, platform, timings })
  await ensurePackages({ root, platform, toolchain, timings })
  process.stdout.write(`${toolchain.node}\n${JSON.stringify(timings)}\n`)
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  process.stderr.write(`seer: ${error.message}\n`)
  process.exitCode = 3
}
