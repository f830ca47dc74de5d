"""One visit in the form the share API documents for Python: httpx, and the session as a cookie of each request."""

import asyncio

import httpx

HOST = "https://neptun-webui.vercel.app"


async def visit() -> None:
    async with httpx.AsyncClient(base_url=HOST) as anyone:
        account = {"email": "owner@example.com", "password": "your-password"}
        logged_in = await anyone.post("/api/auth/login", json=account)
        logged_in.raise_for_status()
        user = logged_in.json()["user"]
        assert user == {"id": 1, "primary_email": "owner@example.com"}, user
        session = {"neptun-session": logged_in.cookies["neptun-session"]}

    async with httpx.AsyncClient(base_url=HOST, cookies=session) as owner:
        (await owner.head("/api/auth/check")).raise_for_status()
        chats = f"/api/users/{user['id']}/chats"

        made = await owner.post(chats, json={"model": "google/gemma-2-27b-it", "name": "New Chat"})
        made.raise_for_status()
        chat = made.json()["chat"]
        assert chat["name"] == "New Chat" and chat["neptun_user_id"] == user["id"], chat

        renamed = await owner.patch(f"{chats}/{chat['id']}", json={"name": "New Chat Name"})
        renamed.raise_for_status()
        assert renamed.json()["chat"]["name"] == "New Chat Name", renamed.text

        listed = (await owner.get(chats)).raise_for_status().json()["chats"]
        assert chat["id"] in [each["id"] for each in listed], listed

        none_yet = (await owner.get(f"{chats}/{chat['id']}/shares")).raise_for_status()
        assert none_yet.json() is None, none_yet.text
        made = await owner.post(f"{chats}/{chat['id']}/shares", json={"is_shared": True, "is_protected": False})
        share = made.raise_for_status().json()["share"]
        assert share["chat_conversation_id"] == chat["id"] and share["hashed_password"] is None, share
        found = (await owner.get(f"{chats}/{chat['id']}/shares")).raise_for_status().json()
        assert found["uuid"] == share["share_uuid"], found

        shown = (await owner.get(f"/api/shared/chats/{share['share_uuid']}")).raise_for_status().json()
        assert shown["chatMessages"] == [] and shown["shareInfo"]["shareExists"] is True, shown

        gone = await owner.request("DELETE", chats, json={"chat_ids": [chat["id"]]})
        assert gone.raise_for_status().json() is True, gone.text
        assert (await owner.post("/api/auth/logout")).raise_for_status().json() is True
        assert (await owner.head("/api/auth/check")).status_code == 401


asyncio.run(visit())
print("visited")
