curl -X POST \
-H "Content-Type: application/json" \
-H "Cookie: neptun-session=your-session-cookie" \
-d '{
"emails": ["user1@example.com", "user2@example.com"]
}' \
"https://neptun-webui.vercel.app/api/users/your-user-id/chats/123/shares/456/whitelist-entries"
