import requests

url = f"https://api.sentius.ai/admin/whitelist"
params = {
    "api_key": "<your_api_key>",
    "email": "user@example.com"
}
response = requests.delete(url, params=params)
