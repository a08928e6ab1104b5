/** 500 cells with an image of 100 KB each: the time of a hundred cells must not grow with the notebook. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { machineLine, openSetting } from './setting.ts'

const CELLS = 500
const BLOCK = 100
// Random bytes do not compress: a PNG of 183 × 183 of them has about 100 KB.
const CODE = `
import numpy as np, io
from IPython.display import Image, display
import matplotlib.image
_pixels = np.random.randint(0, 256, (183, 183, 3), dtype=np.uint8)
_buffer = io.BytesIO()
matplotlib.image.imsave(_buffer, _pixels, format='png')
display(Image(_buffer.getvalue()))`

await using setting = await openSetting()
await setting.cell(CODE)
console.log('| cells | s for these 100 | notebook MB |')
console.log('|---|---|---|')
for (let cells = 0; cells < CELLS; cells += BLOCK) {
  const startedAt = performance.now()
  for (let i = 0; i < BLOCK; i++) await setting.cell(CODE)
  const seconds = (performance.now() - startedAt) / 1000
  const megabytes = statSync(join(setting.run.folder, 'notebook.ipynb')).size / 1e6
  console.log(`| ${cells + 1}–${cells + BLOCK} | ${seconds.toFixed(1)} | ${megabytes.toFixed(1)} |`)
}
const startedAt = performance.now()
await setting.session.terminate()
await setting.sandbox.terminate()
console.log(
  `\nThe last write at the end, with all of the sandbox's end: ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n${machineLine()}`,
)
