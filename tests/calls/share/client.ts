// One visit in the form the share API documents for browsers: fetch, and cookies that the browser keeps.

const host = 'https://neptun-webui.vercel.app'

async function ask<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
  const headers: HeadersInit = body === undefined ? {} : { 'Content-Type': 'application/json' }
  const response = await fetch(host + path, { method, headers, body: JSON.stringify(body), credentials: 'include' })
  if (!response.ok) {
    throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  }
  return method === 'HEAD' ? (undefined as Answer) : await response.json() as Answer
}

async function visit(): Promise<void> {
  const account = { email: 'owner@example.com', password: 'your-password' }
  const { user } = await ask<{ user: { id: number } }>('POST', '/api/auth/login', account)
  await ask('HEAD', '/api/auth/check')

  const chats = `/api/users/${user.id}/chats`
  const { chat } = await ask<{ chat: { id: number } }>('POST', chats, { model: 'a-model', name: 'New Chat' })
  const protection = { is_shared: true, is_protected: true, hashed_password: 'Chat-pass-1!' }
  const { share } = await ask<{ share: { share_uuid: string } }>('POST', `${chats}/${chat.id}/shares`, protection)

  const shown = await fetch(`${host}/api/shared/chats/${share.share_uuid}`, {
    headers: { Authorization: `Basic ${btoa(':Chat-pass-1!')}` },
  })
  const refused = await fetch(`${host}/api/shared/chats/${share.share_uuid}`)
  if (shown.status !== 200 || refused.status !== 401) {
    throw new Error(`with the password ${shown.status}, without ${refused.status}`)
  }

  const gone = await ask<boolean>('DELETE', chats, { chat_ids: [chat.id] })
  const left = await ask<boolean>('POST', '/api/auth/logout')
  if (gone !== true || left !== true) {
    throw new Error(`removed: ${gone}, logged out: ${left}`)
  }
}

visit().then(() => console.log('visited'))
