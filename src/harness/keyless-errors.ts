/** Some servers repeat in an error what they were sent. A key must not reach the log that way. */
/** A shorter one is no secret (a server of one's own may take any word), and may be a part of other words. */
const LEAST_KEY_LENGTH = 8

export function withKeylessErrors(send: typeof fetch, apiKey: string): typeof fetch {
  return async (input, init) => {
    const response = await send(input, init)
    if (response.ok || apiKey.length < LEAST_KEY_LENGTH) return response
    const { status, statusText, headers } = response
    const body = (await response.text()).replaceAll(apiKey, '[key]')
    const kept = [...headers].filter(([name]) => name !== 'content-length')
    return new Response(body, { status, statusText: statusText.replaceAll(apiKey, '[key]'), headers: kept })
  }
}
