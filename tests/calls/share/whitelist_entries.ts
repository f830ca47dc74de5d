interface CreateWhitelistRequest {
  emails: string[]
}

interface WhitelistEntry {
  id: number
  chat_conversation_share_id: number
  whitelisted_neptun_user_id: number
  created_at: string
  updated_at: string
}

interface CreateWhitelistResponse {
  shareWhitelistEntries: WhitelistEntry[]
}

interface CreateWhitelistError {
  statusCode: number
  statusMessage: string
  data: {
    issues: Array<{
      code: string
      message: string
    }>
  }
}

async function createWhitelistEntries(
  userId: number,
  chatId: number,
  shareId: number,
  emails: string[]
): Promise<CreateWhitelistResponse> {
  const response = await fetch(
    `https://neptun-webui.vercel.app/api/users/${userId}/chats/${chatId}/shares/${shareId}/whitelist-entries`,
    {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
      },
      body: JSON.stringify({ emails }),
      credentials: 'include', // Important for cookie handling
    }
  )

  if (!response.ok) {
    throw new Error(`HTTP error! status: ${response.status}`)
  }

  return await response.json() as CreateWhitelistResponse
}
