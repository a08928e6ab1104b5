import { afterAll } from 'vitest'
import { newFolder, removeNewFolders } from './fixtures/new-folder.ts'

// A test never talks to a provider by accident: every key is gone before any test file loads.
for (const name of Object.keys(process.env)) {
  if (name.endsWith('_API_KEY') || name.endsWith('_AUTH_TOKEN') || name.endsWith('_OAUTH_TOKEN'))
    delete process.env[name]
}
delete process.env.ANTHROPIC_BASE_URL

// Two torch threads that spin beside a busy process make both many times slower.
process.env.OMP_WAIT_POLICY = 'passive'

// Each file has its own place for sockets: what finds the run that goes on finds none of a file beside it.
process.env.XDG_RUNTIME_DIR = newFolder()

afterAll(removeNewFolders)
