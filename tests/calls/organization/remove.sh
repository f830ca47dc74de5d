curl -X 'DELETE' \
  'https://api.sentius.ai/admin/whitelist?email=user%40example.com&api_key=<your_api_key>' \
  -H 'accept: */*'
