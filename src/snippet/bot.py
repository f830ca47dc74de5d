"""A bot on the official SDK: says who it is, and who is on the whitelist of its app.

    pip install nandboxbotsapi==2.1.0
    python bot.py
"""

import json
import os
import tempfile

URL = "@URL@"
TOKEN = "@TOKEN@"
APP_ID = "@APP@"  # an app of the bot's, as text; None for no list

# The SDK reads its settings from two directories above, as soon as it is imported, and writes its log where it runs.
home = tempfile.mkdtemp(prefix="bot-")
here = os.path.join(home, "bots", "bot")
os.makedirs(here)
config = {"URI": URL, "MaxLogSize": "5mb", "NumberOfLogFiles": "1", "LogLevel": "Info", "LogPath": "sdk.log"}
with open(os.path.join(home, "config.json"), "w") as file:
    json.dump(config, file)
os.chdir(here)

from nandboxbots.nandbox import Nandbox  # noqa: E402
from nandboxbots.NandboxClient import NandboxClient  # noqa: E402


class Bot(Nandbox().Callback):
    def on_connect(self, api):
        print(f"connected as bot {NandboxClient.BOT_ID}", flush=True)
        if APP_ID is not None:
            api.get_white_list(APP_ID, "1")
            # To let somebody in: api.add_white_list([{"signup_id": "name@example.com", "tags": []}], APP_ID, "2")

    def on_white_list(self, white_list):
        signups = [user.signup_user for user in white_list.users]
        print(f"on the whitelist: {', '.join(signups) or 'nobody'}", flush=True)


NandboxClient.get(config).connect(TOKEN, Bot())
