/** The embedded model behind an API on loopback, in a sandbox of its own: `transformers serve`, which speaks as OpenAI's API does. */
import { Sandbox } from 'seer-interp'

const PORT = 8000
/** The model's name, for those who ask it. */
const NAME = 'small-chat-model'

export async function serveModel(model: string): Promise<{ sandbox: Sandbox; port: number; name: string }> {
  const sandbox = await Sandbox.start({
    models: [{ name: model }],
    pythonPackages: ['transformers[serving]'],
    timeout: 7200,
  })
  const path = sandbox.modelHandles[0]?.path ?? ''
  // The server samples only where the model's own configuration says so, whatever temperature is asked for.
  await sandbox.exec(['sh', '-c', 'mkdir "$1" && ln -s "$0"/* "$1" && rm -f "$1/generation_config.json"', path, NAME])
  await sandbox.writeFile(`${NAME}/generation_config.json`, JSON.stringify({ do_sample: true, top_p: 1, top_k: 0 }))
  const argv = ['transformers', 'serve', NAME, '--host', '127.0.0.1', '--port', String(PORT), '--dtype', 'float32']
  await sandbox.spawn([...argv, '--device', 'auto', '--log-level', 'warning'])
  await sandbox.execPython(WAIT, { timeout: 300 })
  return { sandbox, port: PORT, name: NAME }
}

const WAIT = `
import time, urllib.request
for _ in range(600):
    try:
        urllib.request.urlopen("http://127.0.0.1:${PORT}/health", timeout=2).read()
        break
    except OSError:
        time.sleep(0.4)
else:
    raise SystemExit("the server does not answer")
`
