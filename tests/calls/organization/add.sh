curl -X 'POST' \
  'https://api.sentius.ai/admin/whitelist?api_key=<your_api_key>' \
  -H 'accept: application/json' \
  -H 'Content-Type: application/json' \
  -d '{
    "name": "Jane Doe",
    "email": "user@example.com",
    "permissions": [
        "can_read",
        "can_use_api",
        "can_delegate"
    ],
    "start_date": "2025-03-05T11:34:30.258Z",
    "end_date": null
    }'
