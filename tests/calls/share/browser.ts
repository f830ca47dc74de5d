// What a browser adds to fetch: it keeps the cookies it is given, and sends them where `credentials` asks for it.

const jar = new Map<string, string>([['neptun-session', 'your-session-cookie']])
const bareFetch = globalThis.fetch

globalThis.fetch = async (input, init) => {
  const headers = new Headers(init?.headers)
  if (init?.credentials === 'include') {
    headers.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '))
  }
  const response = await bareFetch(input, { ...init, headers })
  for (const cookie of response.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
    if (name !== undefined && value !== undefined) {
      jar.set(name, value)
    }
  }
  return response
}
