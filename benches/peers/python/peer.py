"""The peer on Python's `websockets`: python peer.py PORT. Answers from memory alone, in the gateway's shape."""

import asyncio
import itertools
import json
import sys

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

PAGE_SIZE_DEFAULT = 50

apps = {}
ids = itertools.count(1)
encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def signed_in(message):
    return {"method": "TOKEN_AUTH_OK", "ID": "1", "id": "1", "name": "Peer", "date": 0, "is_nandbox": 0, "localId": 0, "email": None}


def pong(message):
    return {"method": "PONG"}


def add_one(app, signup):
    person = app.get(signup["signup_id"])
    if person is None:
        person = app[signup["signup_id"]] = {"id": str(next(ids)), **signup}
    elif "tags" in signup:
        person["tags"] = signup["tags"]
    return person


def add(message):
    app = apps.setdefault(message["app_id"], {})
    signups = [add_one(app, signup) for signup in message["signups"]]
    return {"method": "addToWhitelist_ack", "app_id": message["app_id"], "signups": signups, **echo(message)}


def decide(message):
    entry = apps.get(message["resource"]["id"], {}).get(message["subject"]["id"])
    context = {"reason": "whitelisted", "entry": entry} if entry else {"reason": "not_whitelisted"}
    return {"method": "checkAccessResponse", "decision": bool(entry), "context": context, **echo(message)}


def page(message):
    app = apps.get(message["app_id"], {})
    size, number = message.get("page_size", PAGE_SIZE_DEFAULT), message.get("page_number", 0)
    # A dict keeps its order but has no ranks, so a page far in costs a walk.
    signups = list(itertools.islice(app.values(), number * size, (number + 1) * size))
    end = {"page_number": number, "eop": (number + 1) * size >= len(app)}
    return {"method": "getWhitelistUsersResponse", "app_id": message["app_id"], "signups": signups, **end, **echo(message)}


METHODS = {"TOKEN_AUTH": signed_in, "PING": pong, "addToWhitelist": add, "checkAccess": decide, "getWhitelistUsers": page}


def echo(message):
    return {"reference": message["reference"]} if "reference" in message else {}


def answer(frame):
    message = {}
    try:
        message = json.loads(frame)
        method = METHODS.get(message["method"])
        if method is None:
            return encode({"error": 405, **echo(message), "message": f"there is no method {message['method']}"})
        return encode(method(message))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return encode({"error": 400, "message": repr(error)})


async def connection(client):
    try:
        async for frame in client:
            await client.send(answer(frame))
    except ConnectionClosed:
        pass


async def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    async with serve(connection, "127.0.0.1", port, compression=None) as server:
        print(f"listening on ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await server.serve_forever()


asyncio.run(main())
