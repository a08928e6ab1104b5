/**
 * JupyterLab's part of Seer: opens the notebook beside a console, and lets the notebook follow its file, which JupyterLab by
 * itself reads only once. It is a federated extension as webpack would make one, written by hand: nothing has to be built.
 */
const NOTEBOOK = 'notebook.ipynb'
const EVERY_MS = 1000

async function openBoth(app) {
  const { commands, shell } = app
  await app.restored
  const main = [...shell.widgets('main')]
  let notebook = main.find((widget) => widget.context?.path === NOTEBOOK)
  notebook ??= await commands.execute('docmanager:open', {
    path: NOTEBOOK,
    factory: 'Notebook',
    // What is shown is not run from here.
    kernelPreference: { shouldStart: false, shouldReuse: false, canStart: false },
  })
  if (!main.some((widget) => widget.console)) {
    const args = { name: 'Console', ref: notebook.id, insertMode: 'split-right', activate: true }
    await commands.execute('console:create', { ...args, path: 'console', kernelPreference: { name: 'seer' } })
  }
  for (const widget of main) if (widget.id.startsWith('launcher')) widget.close()
  shell.collapseLeft?.()
}

/** A cell that has not changed is left as it is, so that whoever reads it is not moved. */
function update(shared, cells) {
  const shown = shared.cells.map((cell) => textOfCell(cell.toJSON()))
  cells.forEach((cell, at) => {
    if (shown[at] === textOfCell(cell)) return
    if (shown[at] !== undefined) shared.deleteCell(at)
    shared.insertCell(at, cell)
  })
  if (shown.length > cells.length) shared.deleteCellRange(cells.length, shown.length)
}

const textOf = (text) => (Array.isArray(text) ? text.join('') : text)
function textOfCell({ id, cell_type, source, outputs = [], execution_count = null }) {
  return JSON.stringify([id, cell_type, textOf(source), execution_count, outputs.map(ordered)])
}
function ordered(value) {
  if (Array.isArray(value)) return value.every((one) => typeof one === 'string') ? value.join('') : value.map(ordered)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, ordered(value[key])]),
  )
}

async function follow(app) {
  const { contents } = app.serviceManager
  let seen
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS))
    const panel = [...app.shell.widgets('main')].find((widget) => widget.context?.path === NOTEBOOK)
    if (!panel || document.hidden || !panel.context.isReady) continue
    try {
      const { last_modified: at } = await contents.get(NOTEBOOK, { content: false })
      if (at === seen) continue
      const { content } = await contents.get(NOTEBOOK, { type: 'notebook', format: 'json', content: true })
      const { model, node } = panel.content
      const scroller = node.querySelector('.jp-WindowedPanel-outer') ?? node
      const isAtEnd = scroller.scrollTop + scroller.clientHeight > scroller.scrollHeight - 40
      update(model.sharedModel, content.cells)
      model.dirty = false
      if (isAtEnd || seen === undefined) requestAnimationFrame(() => (scroller.scrollTop = scroller.scrollHeight))
      seen = at
    } catch (error) {
      console.debug('seer-follow', error)
    }
  }
}

const plugin = {
  id: 'seer-follow:plugin',
  autoStart: true,
  activate(app) {
    void openBoth(app).catch((error) => console.error('seer-follow', error))
    void follow(app)
  },
}

globalThis._JUPYTERLAB ??= {}
globalThis._JUPYTERLAB['seer-follow'] = {
  init: () => undefined,
  get: () => Promise.resolve(() => ({ __esModule: true, default: plugin })),
}
