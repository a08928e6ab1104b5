/** The hosts of an API by the usual name of its key: whoever hands over the key means that its host may be reached. */
const HOSTS: Readonly<Record<string, readonly string[]>> = {
  ANTHROPIC_API_KEY: ['api.anthropic.com'],
  DEEPSEEK_API_KEY: ['api.deepseek.com'],
  GEMINI_API_KEY: ['generativelanguage.googleapis.com'],
  GOOGLE_API_KEY: ['generativelanguage.googleapis.com'],
  GOODFIRE_API_KEY: ['api.goodfire.ai'],
  GROQ_API_KEY: ['api.groq.com'],
  HF_TOKEN: ['huggingface.co', '*.huggingface.co', '*.hf.co'],
  MISTRAL_API_KEY: ['api.mistral.ai'],
  MOONSHOT_API_KEY: ['api.moonshot.ai'],
  NEURONPEDIA_API_KEY: ['www.neuronpedia.org'],
  OPENAI_API_KEY: ['api.openai.com'],
  OPENAI_KEY: ['api.openai.com'],
  OPENROUTER_API_KEY: ['openrouter.ai'],
  TOGETHER_API_KEY: ['api.together.xyz'],
  XAI_API_KEY: ['api.x.ai'],
}

/** For `network`: the hosts of these keys; `none` where no key is known. */
export function hostsOfSecrets(secrets: readonly string[]): 'none' | string[] {
  const hosts = [...new Set(secrets.flatMap((name) => HOSTS[name] ?? []))]
  return hosts.length > 0 ? hosts : 'none'
}
