from pydantic import BaseModel, EmailStr
from typing import List
from datetime import datetime

class CreateWhitelistRequest(BaseModel):
    emails: List[EmailStr]

class WhitelistEntry(BaseModel):
    id: int
    chat_conversation_share_id: int
    whitelisted_neptun_user_id: int
    created_at: datetime
    updated_at: datetime

class CreateWhitelistResponse(BaseModel):
    shareWhitelistEntries: List[WhitelistEntry]

async def create_whitelist_entries(
    user_id: int,
    chat_id: int,
    share_id: int,
    emails: List[str],
    session_cookie: str
) -> CreateWhitelistResponse:
    async with httpx.AsyncClient() as client:
        response = await client.post(
            f"https://neptun-webui.vercel.app/api/users/{user_id}/chats/{chat_id}/shares/{share_id}/whitelist-entries",
            json={"emails": emails},
            cookies={"neptun-session": session_cookie}
        )
        response.raise_for_status()
        return CreateWhitelistResponse(**response.json())
