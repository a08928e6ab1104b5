/** Experiment 2 of the documentation: an agent that can call three functions of a model, and nothing else. */
import { createLocalSession, experiment, Library, runAgent, ScopedSandbox, Workspace, z } from 'seer-interp'

/** What the agent submits. */
const answer = z.strictObject({
  layers: z.int().describe('Number of transformer blocks'),
  width: z.int().describe('Width of the residual stream'),
  vocabulary: z.int().describe('Number of tokens in the vocabulary'),
  embeddingSize: z.int().describe('Numbers in the embedding of the probe text'),
  related: z.number().describe('Mean similarity of the pairs'),
  control: z.number().describe('Mean similarity of the controls'),
  above: z.int().describe('Number of pairs whose similarity is above that of their own control'),
  verdict: z.enum(['tells them apart', 'does not tell them apart', 'too few pairs to say']),
})

export default experiment({
  description:
    'An agent studies a model through three functions that it is given, and cannot reach it in any other way.',
  params: z.strictObject({
    /** The model under study; see docs/models.md for what it may be. */
    model: z.string().default('embedded'),
    /** `library`: the agent writes Python that imports the functions. `mcp`: they are its tools, and it has no Python. */
    exposeAs: z.enum(['library', 'mcp']).default('library'),
    probe: z.string().default('hello world'),
    /** Two sentences each, about the same thing. */
    pairs: z
      .array(z.tuple([z.string(), z.string()]))
      .min(2)
      .default([
        ['The cat sleeps on the warm sofa.', 'A kitten is napping on the couch.'],
        ['Stock prices fell sharply on Monday.', 'Shares dropped at the start of the week.'],
        ['She baked a chocolate cake for the party.', 'For the celebration, she made a cocoa dessert.'],
        ['The rocket reached orbit after launch.', 'After lift-off, the spacecraft circled the Earth.'],
        ['Heavy rain flooded the village streets.', 'The roads of the small town were under water after the storm.'],
      ]),
  }),
  profiles: {
    embedded: {},
    mcp: { exposeAs: 'mcp' },
    paper: { model: 'google/gemma-2-9b' },
  },

  async run({ params, task, folder }) {
    await using scoped = await ScopedSandbox.start({ models: [{ name: params.model }] })
    const file = `${folder}/interface.py`
    const listen = async (prompt: string, mcpConfig: Parameters<typeof runAgent>[0]['mcpConfig']) => {
      for await (const _ of runAgent({ prompt, mcpConfig, role: 'investigator' })) {
        // Everything that happens is shown on the terminal and kept in the run's log.
      }
    }
    if (params.exposeAs === 'mcp') {
      const tools = await scoped.serve(file, { exposeAs: 'mcp', name: 'model_tools', answer })
      await listen(task, tools)
      return
    }
    const modelTools = await scoped.serve(file, { exposeAs: 'library', name: 'model_tools' })
    const workspace = new Workspace({ libraries: [modelTools, Library.fromFile(`${folder}/helpers.py`)] })
    await using session = await createLocalSession(workspace, undefined, { answer })
    await listen(`${session.modelInfoText}\n\n${workspace.getLibraryDocs()}\n\n${task}`, session.mcpConfig)
  },
})
