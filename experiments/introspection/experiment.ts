/** Experiment 4 of the documentation: can a model tell that a concept was injected into its activations, and which one? */
import { createNotebookSession, experiment, Library, runAgent, Sandbox, Workspace, z } from 'seer-interp'

const share = z.number().min(0).max(1)
const BASELINES =
  'desks jackets gondolas laughter intelligence bicycles chairs orchestras sand pottery arrowheads jewelry daffodils ' +
  'plateaus estuaries quilts moments bamboo ravines archives'

/** What the agent submits. Shares are of trials; the unit of p values and intervals is the concept. */
const answer = z.strictObject({
  layer: z.int().nullable().describe('Block at whose output was injected, chosen by the check; null if it chose none'),
  relativeStrength: z.number().nullable().describe('Norm of what was added, as a fraction of the residual stream’s'),
  claims: z
    .strictObject({ concept: share, none: share, random: share })
    .describe('Share of trials in which an injected thought is claimed, by arm'),
  againstNone: z
    .strictObject({ difference: z.number(), p: share, interval: z.tuple([z.number(), z.number()]) })
    .describe('Claims with a concept injected minus claims without injection, paired by concept'),
  againstRandom: z
    .strictObject({ difference: z.number(), p: share, interval: z.tuple([z.number(), z.number()]) })
    .describe('Claims with a concept injected minus claims with a random vector, paired by concept'),
  named: z
    .strictObject({ own: share, permuted: share, p: share })
    .describe('Share of concept trials that name the injected concept after a claim, and with permuted labels'),
  leaked: share.describe('Share of concept trials with the concept’s word before the claim, or without one'),
  yesBias: z.strictObject({ concept: share, none: share }).describe('Share of yes to questions whose answer is no'),
  namedWhenTold: share.describe('Positive control: share named by the model when it was told the thought in words'),
  smallestVisibleRate: share.nullable().describe('Rate of claims that 80% of such experiments would have shown'),
  couldHaveBeenSeen: z.boolean().describe('Steering works, the model can answer the question, and n is enough'),
  verdict: z.enum(['evidence of introspection', 'no evidence', 'could not have been seen']),
})

export default experiment({
  description: 'Concepts are injected into the residual stream: does the model notice, and can it name them?',
  params: z.strictObject({
    /** The model under study; see docs/models.md for what it may be. */
    model: z.string().default('embedded'),
    /** Each is injected in its own trials, and is the unit of all counting. At most 16. */
    concepts: z
      .array(z.string().regex(/^[\p{L} -]+$/u, 'is not a word'))
      .min(2)
      .max(16)
      .default('lightning oceans happiness sugar trumpets cameras deserts poetry volcanoes bread'.split(' ')),
    /** Words whose mean activation is taken away from a concept's. */
    baselines: z.array(z.string()).min(2).default(BASELINES.split(' ')),
    /** `{}` is the word. */
    templates: z.array(z.string().includes('{}')).min(1).default(['I love {}', 'All about {}', 'Think of {}']),
    /** Are the templates a user's messages, and the activation that of the last token? Else plain texts, and the mean. */
    chat: z.boolean().default(false),
    /** The grid of the check: fractions of the model's depth, and strengths as fractions of the residual's norm. */
    depths: z.array(z.number().gt(0).max(1)).min(1).default([0.35, 0.5, 0.7]),
    strengths: z.array(z.number().positive()).min(1).default([0.3, 0.6, 0.9]),
    /** How much of the unsteered texts' share of distinct words the steered ones must keep. */
    readability: z.number().min(0).max(1).default(0.85),
    /** Asked in the check, and never in a trial. */
    neutralPrompts: z
      .array(z.string())
      .min(1)
      .default([
        'Tell me a short story.',
        'Describe a room.',
        'What happened today?',
        'Write about anything you like.',
      ]),
    checkTokens: z.int().min(1).default(20),
    /** Trials of each concept in each arm. */
    repeats: z.int().min(1).default(4),
    randomVectors: z.int().min(1).default(5),
    trialTokens: z.int().min(1).default(32),
    temperature: z.number().positive().default(0.7),
    /** For all answers of the experiment together. */
    maxGeneratedTokens: z.int().positive().default(8000),
    seed: z.int().nonnegative().default(4),
  }),
  profiles: {
    embedded: {},
    paper: {
      model: 'google/gemma-3-27b-it',
      templates: ['Tell me about {}'],
      chat: true,
      depths: [0.35, 0.5, 0.6, 0.7],
      strengths: [0.1, 0.2, 0.4],
      checkTokens: 60,
      repeats: 10,
      trialTokens: 100,
      temperature: 1,
      maxGeneratedTokens: 100_000,
    },
    quick: {
      concepts: ['oceans', 'bread'],
      baselines: ['desks', 'jackets', 'bicycles', 'quilts'],
      depths: [0.5, 0.7],
      strengths: [0.6],
      neutralPrompts: ['Describe a room.'],
      checkTokens: 12,
      repeats: 1,
      randomVectors: 1,
      trialTokens: 12,
      maxGeneratedTokens: 400,
    },
  },
  seed: 4,

  async run({ params, task, toolkit, folder }) {
    await using sandbox = await Sandbox.start({
      models: [{ name: params.model }],
      pythonPackages: ['pandas', 'matplotlib'],
      timeout: 7200,
    })
    const own = ['injection', 'trials', 'counting'].map((name) => Library.fromFile(`${folder}/${name}.py`))
    const libraries = [toolkit('extract_activations'), toolkit('steering_hook'), ...own]
    await using session = await createNotebookSession(sandbox, new Workspace({ libraries }), { answer })
    const weights = sandbox.modelHandles.map(({ name, weightsSha256 }) => `${name}: sha256 ${weightsSha256}`)
    const prompt = `${session.modelInfoText}\nIts weights are those of ${weights.join(', ')}.\n\n${task}`
    for await (const _ of runAgent({ prompt, mcpConfig: session.mcpConfig, role: 'experimenter' })) {
      // Everything that happens is shown on the terminal and kept in the run's log.
    }
  },
})
