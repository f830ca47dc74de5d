import requests

url = "https://api.sentius.ai/admin/whitelist"
params = {"api_key": "<your_api_key>"}
data = {
    "name": "Jane Doe",
    "email": "user@example.com",
    "permissions": [
        "can_read",
        "can_use_api",
        "can_delegate"
    ],
    "start_date": "2025-03-05T11:34:30.258Z",
    "end_date": null
}
response = requests.post(url, json=data, params=params)
print(response.json())
