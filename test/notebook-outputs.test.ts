/** Each kind of output, from a cell in a real kernel to the model, to the notebook's file and to the page. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startedNotebook, type NotebookCell, type NotebookFile, type Told } from './fixtures/notebook.ts'
import { checkNbformat } from '../src/run/check-nbformat.ts'
import { checkRun } from '../src/run/check.ts'

const PACKAGES = ['ipywidgets==8.1.8', 'tqdm==4.70.1', 'plotly==7.1.0', 'matplotlib', 'pandas']

interface Kind {
  readonly name: string
  readonly code: string
  /** What the model is told, below the headline: all of it, or what it matches. */
  readonly told: string | RegExp
  readonly images?: number
  /** The outputs in the file: the texts of streams, and the kinds of data. */
  readonly file: readonly (string | RegExp | readonly string[])[]
  readonly page: RegExp
  /** What must stand nowhere on the page. */
  readonly notPage?: RegExp
}

const SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
const display = (code: string) => `from IPython.display import *\n${code}`

const KINDS: readonly Kind[] = [
  {
    name: 'carriage returns',
    code: 'for i in range(3): print(f"\\rstep {i}", end="")\nprint()',
    told: 'step 2',
    file: ['step 2\n'],
    page: /step 2/,
    notPage: /step 1/,
  },
  {
    name: 'a progress bar of text',
    code: 'import tqdm\nfor i in tqdm.tqdm(range(50)): pass',
    told: /^\[stderr\]\n100%\|█+\| 50\/50 \[[^\n]*\]$/,
    file: [/^100%\|█+\| 50\/50/],
    page: /100%\|█+\| 50\/50/,
    notPage: /\| 0\/50/,
  },
  {
    name: 'an updated display',
    code: display('shown = display(HTML("<p>before</p>"), display_id=True)\nshown.update(HTML("<p>after</p>"))'),
    told: 'after',
    file: [['text/html', 'text/plain']],
    page: /after/,
    notPage: /before/,
  },
  {
    name: 'a display of an earlier cell that a later one updates',
    code: display('shown.update(HTML("<p>from the next cell</p>"))'),
    told: '',
    file: [],
    page: /printed|ok/,
  },
  {
    name: 'cleared output',
    code: display('print("gone")\nclear_output()\nprint("stays")'),
    told: 'stays',
    file: ['stays\n'],
    page: /stays/,
    notPage: /class="stream-text[^>]*>gone/,
  },
  {
    name: 'output that the next clears',
    code: display('for i in range(5):\n  clear_output(wait=True)\n  print("frame", i)'),
    told: 'frame 4',
    file: ['frame 4\n'],
    page: /frame 4/,
  },
  {
    name: 'HTML',
    code: display('display(HTML("<b>bold</b> &amp; <i>more</i><script>alert(1)</script>"))'),
    told: 'bold & more',
    file: [['text/html', 'text/plain']],
    page: /<iframe class="frame" sandbox srcdoc="[^]*&lt;b>bold&lt;\/b>/,
    notPage: /<script/,
  },
  {
    name: 'a table of pandas',
    code: 'import pandas\npandas.DataFrame({"layer": [1, 2], "score": [0.5, 0.75]})',
    told: '   layer  score\n0      1   0.50\n1      2   0.75',
    file: [['text/html', 'text/plain']],
    page: /<table[^]*<td>0\.75<\/td>/,
  },
  {
    name: 'SVG',
    code: display(`display(SVG(${JSON.stringify(SVG)}))`),
    told: /^\[image\/svg\+xml, \d+ bytes: not shown\]$/,
    file: [['image/svg+xml', 'text/plain']],
    page: /<img src="data:image\/svg\+xml/,
  },
  {
    name: 'a PNG',
    code: 'import matplotlib.pyplot as plt\nplt.plot([1, 2]);',
    told: /^\[image: image\/png, [\d,]+ bytes\]$/,
    images: 1,
    file: [['image/png', 'text/plain']],
    page: /<img src="(data:image\/png|\/artifacts)/,
  },
  {
    name: 'a JPEG',
    code: display(
      'import io, PIL.Image\nraw = io.BytesIO()\nPIL.Image.new("RGB", (8, 8), "red").save(raw, "JPEG")\ndisplay(Image(data=raw.getvalue(), format="jpeg"))',
    ),
    told: /^\[image: image\/jpeg, [\d,]+ bytes\]$/,
    images: 1,
    file: [['image/jpeg', 'text/plain']],
    page: /<img src="data:image\/jpeg/,
  },
  {
    name: 'LaTeX',
    code: display('display(Math(r"\\frac{a}{b}"))\ndisplay(Latex(r"so $x^2$"))'),
    told: '$\\frac{a}{b}$\nso $x^2$',
    file: [
      ['text/latex', 'text/plain'],
      ['text/latex', 'text/plain'],
    ],
    page: /\$\\frac\{a\}\{b\}\$/,
    notPage: /<pre[^>]*>[^<]*displaystyle/,
  },
  {
    name: 'Markdown',
    code: display('display(Markdown("# Head\\n**bold**"))'),
    told: '# Head\n**bold**',
    file: [['text/markdown', 'text/plain']],
    page: /<strong>bold<\/strong>/,
  },
  {
    name: 'JSON',
    code: display('display(JSON({"name": "x" * 50, "numbers": list(range(40)), "inner": {"a": None}}))'),
    told: /^\{\n {2}"name": "x{50}",\n {2}"numbers": \[\n {4}0, 1, 2, [^]*\n {2}\],\n {2}"inner": \{"a": null\}\n\}$/,
    file: [['application/json', 'text/plain']],
    page: /inner.*: \{.*a.*: null\}/,
  },
  {
    name: 'a Plotly figure',
    code: 'import plotly.graph_objects as go\ngo.Figure([go.Scatter(y=[1, 2, 3], name="loss"), go.Bar(y=[1])], {"title": "Training", "xaxis": {"title": "step"}})',
    told: '[Plotly figure "Training": scatter "loss" (3 points), bar (1 point), x: "step"]',
    file: [['application/vnd.plotly.v1+json']],
    page: /Plotly figure "Training": scatter "loss" \(3 points\)/,
    notPage: /colorway|<script/,
  },
  {
    name: 'a large Plotly figure',
    code: 'import numpy\ngo.Figure([go.Scatter(y=list(range(30000)))])',
    told: /^\[Plotly figure, 1\d\d,\d{3} bytes of JSON; it is in the notebook\]$/,
    file: [['application/vnd.plotly.v1+json']],
    page: /Plotly figure, .* of JSON/,
  },
  {
    name: 'a progress bar of widgets',
    code: 'import time\nfrom tqdm.notebook import tqdm as bar\nfor i in bar(range(50), desc="train"): time.sleep(0.005)',
    told: /^\[widget\] tqdm: train: 100% 50\/50 \[.*it\/s\]$/,
    file: [['application/vnd.jupyter.widget-view+json', 'text/plain']],
    page: /tqdm: train: 100% 50\/50/,
    notPage: /\| 0\/50/,
  },
  {
    name: 'widgets inside of widgets, which are changed by code',
    code: 'import ipywidgets as w\nslider = w.IntSlider(value=7, description="layer", max=11)\nlabel = w.HTML("<b>not yet</b>")\nbox = w.VBox([slider, label, w.Dropdown(options=["a", "b"], value="b", description="pick")])\ndisplay(box)\nslider.value = 8\nlabel.value = "<b>done</b> &amp; saved"',
    told: '[widget] IntSlider "layer": 8 (0 to 11)\ndone & saved\nDropdown "pick": b (of 2)',
    file: [['application/vnd.jupyter.widget-view+json', 'text/plain']],
    page: /IntSlider "layer": 8 \(0 to 11\)\ndone &amp; saved/,
  },
  {
    name: 'what an Output widget captures and clears',
    code: display(
      'out = w.Output()\nprint("outside")\nwith out:\n  print("inside")\n  clear_output()\n  print("inside again")\nprint("after")',
    ),
    told: 'outside\ninside again\nafter',
    file: ['outside\n', 'inside again\n', 'after\n'],
    page: /outside[^]*inside again[^]*after/,
  },
  {
    name: 'bytes in a widget',
    code: 'w.Image(value=raw.getvalue(), format="jpeg")',
    told: /^\[widget\] Image \([\d,]+ bytes of data\)$/,
    file: [['application/vnd.jupyter.widget-view+json', 'text/plain']],
    page: /Image \([\d,]+ bytes of data\)/,
  },
]

const like = (wanted: string | RegExp): unknown => (typeof wanted === 'string' ? wanted : expect.stringMatching(wanted))
const NEVER = /(?!)/

describe('outputs', () => {
  let started: Awaited<ReturnType<typeof startedNotebook>>
  const told = new Map<string, Told & { cell: string }>()
  let file: NotebookFile
  const inFile = (name: string): NotebookCell => file.cells.find(({ id }) => id === told.get(name)!.cell)!

  beforeAll(async () => {
    started = await startedNotebook({ pythonPackages: PACKAGES })
    for (const { name, code } of KINDS) {
      const answer = await started.cell(code)
      told.set(name, { ...answer, cell: String(answer.structured['cell']) })
    }
    await started.end()
    file = started.file()
  })
  afterAll(() => started[Symbol.asyncDispose]())

  test.each(KINDS)('$name: what the model is told', ({ name, told: expected, images = 0 }) => {
    const { text, images: shown } = told.get(name)!
    const body = text.split('\n').slice(1).join('\n')
    expect(body).toEqual(like(expected))
    expect(shown).toHaveLength(images)
    expect(text).toMatch(/^\[c\d+\] ok\./)
  })

  test.each(KINDS)('$name: in the file', ({ name, file: expected }) => {
    const { outputs } = inFile(name)
    const found = outputs.map(({ text, data, ename }) => ename ?? text ?? Object.keys(data!).sort())
    expect(found).toEqual(expected.map((wanted) => (Array.isArray(wanted) ? wanted : like(wanted as string | RegExp))))
  })

  test.each(KINDS)('$name: on the page', async ({ name, page, notPage = NEVER }) => {
    const html = await started.page(told.get(name)!.cell)
    expect(html).toMatch(page)
    // The code of the cell stands there, too.
    expect(html.slice(html.indexOf('class="outputs"'))).not.toMatch(notPage)
  })

  test('a display that a later cell has updated: the file has what it says now', () => {
    expect(inFile('an updated display').outputs[0]?.data?.['text/html']).toBe('<p>from the next cell</p>')
  })

  test('the last state of every widget is in the notebook’s metadata, as nbformat has it', () => {
    const widgets = file.metadata['widgets'] as Record<string, { state: Record<string, WidgetState> }>
    const { state, ...version } = widgets['application/vnd.jupyter.widget-state+json']!
    expect(version).toEqual({ version_major: 2, version_minor: 0 })
    const of = (name: string) => Object.values(state).filter(({ model_name }) => model_name === name)
    expect(of('IntSliderModel')).toMatchObject([
      { model_module: '@jupyter-widgets/controls', model_module_version: '2.0.0', state: { value: 8, max: 11 } },
    ])
    expect(of('FloatProgressModel')).toMatchObject([{ state: { value: 50, max: 50, bar_style: 'success' } }])
    const [image] = of('ImageModel')
    expect(image!.state).not.toHaveProperty('value')
    expect(image!.buffers).toMatchObject([{ encoding: 'base64', path: ['value'] }])
    // A JPEG begins so.
    expect(image!.buffers![0]!.data).toMatch(/^\/9j\//)
    const shown = inFile('widgets inside of widgets, which are changed by code').outputs[0]!.data!
    const { model_id } = shown['application/vnd.jupyter.widget-view+json'] as { model_id: string }
    expect(state[model_id]).toMatchObject({ model_name: 'VBoxModel' })
    expect(shown['text/plain']).toMatch(/^IntSlider "layer": 8/)
  })

  test('a widget that changes often is told by its last states only', async () => {
    const log = await started.log()
    const cell = told.get('a progress bar of widgets')!.cell
    const models = new Map<string, number>()
    for (const event of log.of('widget-update'))
      if (event.cell === cell) models.set(event.model, (models.get(event.model) ?? 0) + 1)
    expect(models.size).toBeGreaterThan(5)
    // 50 steps in about half a second: at the end, and perhaps once before.
    expect(Math.max(...models.values())).toBeLessThanOrEqual(4)
  })

  test('Python’s nbformat finds the notebook valid, and it is what the log makes', async () => {
    const python = started.sandbox.python
    expect(await checkNbformat(`${started.run.folder}/notebook.ipynb`, python)).toEqual({ verdict: 'valid' })
    expect((await checkRun(started.run.folder, { python })).problems).toEqual([])
  })
})

interface WidgetState {
  readonly model_name: string
  readonly state: Readonly<Record<string, unknown>>
  readonly buffers?: readonly { readonly data: string }[]
}
