import { SeerError } from '../../errors.ts'
import { hubCache, type HubWanted } from './hub-cache.ts'

/** One error for each way in which the hub does not give a model. `text` is what the hub or its library said. */
export function hubError(kind: string, text: string, wanted: HubWanted): SeerError {
  const { repo, revision, missing } = wanted
  const said = text === '' ? '' : ` (${text})`
  const at = revision === undefined ? '' : ` at revision "${revision}"`
  const [code, message, hint] = errors()[kind] ?? errors()['network']!
  return new SeerError(code, { message, hint })

  function errors(): Record<string, readonly [code: string, message: string, hint: string]> {
    const cache = hubCache()
    const absent = `${repo}${at} is not ${missing === undefined ? `in the hub's cache (${cache})` : `whole in the hub's cache (${cache}: ${missing})`}`
    const otherKind = wanted.kind === 'model' ? 'an adapter' : 'a whole model'
    const asAdapter =
      wanted.kind === 'model' ? 'Add isPeft: true and its baseModel.' : 'Leave out isPeft and baseModel.'
    const format =
      'Only models that transformers loads from safetensors or PyTorch files (and PEFT adapters of these) can be used.'
    return {
      gated: [
        'model-gated',
        `${repo} is gated on the hub, and this account may not read it${said}.`,
        `Accept its terms at https://huggingface.co/${repo}, then set HF_TOKEN to a token of that account (or \`hf auth login\`).`,
      ],
      missing: [
        'model-not-found',
        `There is no ${repo} on the hub, or it is private${said}.`,
        'Check the spelling. For a private one, set HF_TOKEN to a token that may read it (or `hf auth login`).',
      ],
      revision: [
        'model-revision',
        `${repo} has no revision "${revision ?? 'main'}"${said}.`,
        'A revision is a branch, a tag or a commit of the model’s repository.',
      ],
      token: [
        'model-token',
        `The hub does not accept the token it was given${said}.`,
        'Correct HF_TOKEN, or log in again with `hf auth login`; without any token, public models can be read.',
      ],
      kind: ['model-kind', `${repo} is ${otherKind} on the hub${said}.`, asAdapter],
      format: ['model-format', `${repo} cannot be loaded${said}.`, format],
      unreachable: [
        'model-hub-unreachable',
        `${absent}, and the hub cannot be reached${said}.`,
        'Check the network and the proxy settings, or put it into the cache on a machine that has a network: `hf download`.',
      ],
      offline: [
        'model-hub-unreachable',
        `${absent}, and HF_HUB_OFFLINE says not to ask the hub.`,
        'Unset HF_HUB_OFFLINE, or put the model into the cache first: `hf download`.',
      ],
      disk: [
        'model-disk-full',
        `The disk of the hub's cache (${cache}) is full: ${repo} does not fit${said}.`,
        'Free some space, or set HF_HOME to a folder on a larger disk, and run again: it goes on with what it already has.',
      ],
      unwritable: [
        'model-cache-unwritable',
        `${repo} is not complete in the hub's cache (${cache}), which cannot be written to${said}.`,
        'Set HF_HOME to a folder of your own, or ask the owner of the cache to fetch the model.',
      ],
      content: [
        'model-download',
        `${repo} did not come whole: ${text}.`,
        'Run the same command again. If it stays so, a proxy on the way may change files.',
      ],
      network: [
        'model-download',
        `The download of ${repo} was cut short${said}.`,
        'Check the network, then run the same command again: files that came whole are kept.',
      ],
    }
  }
}
