"""The program under test: a bot that keeps the whitelist of one app."""

import json
from contextlib import contextmanager

from websockets.sync.client import connect


class Refused(Exception):
    """The gateway said no; `code` says why."""

    def __init__(self, answer):
        super().__init__(answer["message"])
        self.code = answer["error"]


class Bot:
    @classmethod
    @contextmanager
    def connected(cls, url, token, app_id):
        """A bot that is signed in until the block ends."""
        with connect(url) as socket:
            bot = cls(socket, app_id)
            bot.exchange({"method": "TOKEN_AUTH", "token": token, "rem": True})
            yield bot

    def __init__(self, socket, app_id):
        self.socket = socket
        self.app_id = app_id
        self.reference = 0

    def invite(self, signup):
        """Lets somebody sign up."""
        self.call("addToWhitelist", signups=[signup])

    def guests(self):
        """Who may sign up."""
        return [entry["signup_id"] for entry in self.call("getWhitelistUsers")["signups"]]

    def call(self, method, **fields):
        self.reference += 1
        return self.exchange({"method": method, "app_id": self.app_id, **fields, "reference": self.reference})

    def exchange(self, message):
        self.socket.send(json.dumps(message))
        answer = json.loads(self.socket.recv(timeout=10))
        # What is not about this message is news that the bot did not ask for.
        while answer.get("reference") != message.get("reference"):
            answer = json.loads(self.socket.recv(timeout=10))
        if "error" in answer:
            raise Refused(answer)
        return answer
