/** Experiment 1 of the documentation: an agent explores a chat model in a notebook. */
import { createNotebookSession, experiment, runAgent, Sandbox, Workspace, z } from 'seer-interp'

/** What there is to find, and what a finding is checked against later. */
const answer = z.strictObject({
  layers: z.int().describe('Number of transformer blocks'),
  width: z.int().describe('Width of the residual stream'),
  vocabulary: z.int().describe('Number of tokens in the vocabulary'),
  parameters: z.int().describe('Number of weights, shared ones counted once'),
})

export default experiment({
  description: 'An agent explores a small chat model in a notebook: its shape, its tokens, what it says.',
  params: z.strictObject({
    /** The model under study; see docs/models.md for what it may be. */
    model: z.string().default('embedded'),
    /** Words that the agent tokenizes. */
    words: z.array(z.string()).min(1).default(['lightning', 'Lightning', ' lightning', 'antidisestablishmentarianism']),
    /** What the model is asked. */
    questions: z
      .array(z.string())
      .min(1)
      .default(['What is the capital of France?', 'Write one sentence about the sea.']),
    /** Tokens generated for each answer. */
    maxNewTokens: z.int().min(1).max(200).default(40),
  }),
  profiles: { embedded: {} },

  async run({ params, task }) {
    await using sandbox = await Sandbox.start({ models: [{ name: params.model }] })
    await using session = await createNotebookSession(sandbox, new Workspace(), { answer })
    const prompt = `${session.modelInfoText}\n\n${task}`
    for await (const _ of runAgent({ prompt, mcpConfig: session.mcpConfig, role: 'explorer' })) {
      // Everything that happens is shown on the terminal and kept in the run's log.
    }
  },
})
