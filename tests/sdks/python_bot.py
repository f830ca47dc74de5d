"""A bot on the official Python SDK, as published, that keeps an app's sign-up lists and checks every answer.

    BOT_URL=ws://… BOT_TOKEN=… BOT_APP_ID=… python python_bot.py [reconnect|hear]

One file for nandboxbotsapi 1.6.0 and 2.1.0: in sign-up management the two are the same.

Each callback's result is written as the SDK parsed it, one JSON object a line, and nothing else goes to standard
output. The last line is {"callback":"done"}, exit 0; or {"missing":…} or {"wrong":…}, exit 1. With `reconnect` the
bot waits after its first on_connect until the gateway has closed and the SDK has come back by itself. With `hear` it
subscribes to events, which 2.1.0 has callbacks for, and hears of its own change.
"""

import importlib.metadata
import json
import os
import queue
import shutil
import sys
import tempfile
import threading
import time

URL = os.environ["BOT_URL"]
TOKEN = os.environ["BOT_TOKEN"]
APP_ID = os.environ["BOT_APP_ID"]
VERSION = importlib.metadata.version("nandboxbotsapi")
RECONNECT = sys.argv[1:] == ["reconnect"]
HEAR = sys.argv[1:] == ["hear"]

# The SDK waits 10 s before it comes back; everything else takes milliseconds.
BOUND_S = 60 if RECONNECT else 30
DEADLINE = time.monotonic() + BOUND_S

# The SDK's own get_unique_id() makes references up to this one: beyond what a double can hold.
LARGEST_REFERENCE = 2**56 - 1

REPORT = sys.stdout
HOME = tempfile.mkdtemp(prefix="guestlist-bot-")
PONG = {"method": "PONG"}

heard = queue.Queue()
pong_heard = threading.Event()


def enter_home():
    """Lays out what the SDK reads and writes by relative path, and goes there; must come before its import."""
    here = os.path.join(HOME, "bots", "bot")
    os.makedirs(here)
    config = {
        "Token": TOKEN,
        "URI": URL,
        "MaxLogSize": "5mb",
        "NumberOfLogFiles": "1",
        "LogLevel": "Debug",
        "LogPath": "sdk.log",
    }
    with open(os.path.join(HOME, "config.json"), "w") as file:
        json.dump(config, file)
    os.chdir(here)
    # The SDK prints too.
    sys.stdout = open("printed.log", "w", buffering=1)
    # Otherwise an http_proxy of the machine would be asked for 127.0.0.1.
    os.environ["no_proxy"] = "*"
    return config


config = enter_home()

from nandboxbots.data.Data import Data  # noqa: E402
from nandboxbots.data.WhiteListUser import WhiteListUser  # noqa: E402
from nandboxbots.nandbox import Nandbox  # noqa: E402
from nandboxbots.NandboxClient import NandboxClient  # noqa: E402


class Bot(Nandbox().Callback):
    """Every callback the lists can reach; the SDK calls them from a pool of threads."""

    def on_connect(self, api):
        heard.put(("on_connect", {"bot_id": NandboxClient.BOT_ID}, api))

    def on_close(self):
        heard.put(("on_close", {}, None))

    def on_receive_obj(self, obj):
        # The SDK pings just before it calls on_connect and every 30 s from then on, a dead connection's thread once
        # more after that: no answer has its place in the conversation, the first may even overtake on_connect.
        if obj == PONG:
            pong_heard.set()
        else:
            heard.put(("on_receive_obj", obj, None))

    def on_white_list(self, white_list):
        heard.put(("on_white_list", signups(white_list), None))

    def on_black_list(self, black_list):
        heard.put(("on_black_list", signups(black_list), None))

    def on_remove_white_list(self, white_list):
        heard.put(("on_remove_white_list", removed(white_list), None))

    def on_remove_black_list(self, black_list):
        heard.put(("on_remove_black_list", removed(black_list), None))

    def on_white_list_pattern(self, pattern):
        heard.put(("on_white_list_pattern", patterns(pattern), None))

    def on_black_list_pattern(self, pattern):
        heard.put(("on_black_list_pattern", patterns(pattern), None))


    def on_event_response(self, response):
        heard.put(("on_event_response", event_response(response), None))

    def on_event_message(self, message):
        heard.put(("on_event_message", {**message.body, "event": message.event, "app_id": message.app_id}, None))


def event_response(parsed):
    return {
        "method": parsed.method,
        "events": parsed.events,
        "app_id": parsed.app_id,
        "account_id": parsed.account_id,
        "ack": parsed.ack,
        "error": parsed.error,
        "reference": parsed.reference,
    }


def signups(parsed):
    records = [{"id": user.id, "signup_id": user.signup_user} for user in parsed.users]
    return {"signups": records, "app_id": parsed.app_id, "reference": parsed.reference, "eop": parsed.eop}


def removed(parsed):
    return {"signups": parsed.users, "app_id": parsed.app_id, "reference": parsed.reference}


def patterns(parsed):
    """No tags and an empty array of them are the same."""
    records = [{key: value for key, value in item.to_dict().items() if value != []} for item in parsed.data]
    return {
        "patterns": records,
        "app_id": parsed.app_id,
        "chat_id": parsed.chat_id,
        "reference": parsed.reference,
    }


def report(**line):
    REPORT.write(json.dumps(line) + "\n")
    REPORT.flush()


def end(code):
    """Ends the process from whichever thread: closing the socket would make the SDK reconnect."""
    if code:
        for name in ("printed.log", "sdk.log"):
            with open(name) as file:
                sys.stderr.write(f"--- {name}\n{file.read()}")
        sys.stderr.flush()
    shutil.rmtree(HOME, ignore_errors=True)
    os._exit(code)


def same(what, got, wanted):
    """Types count: 1 is neither "1" nor True."""
    if json.dumps(got, sort_keys=True) != json.dumps(wanted, sort_keys=True):
        report(wrong=what, got=got, wanted=wanted)
        end(1)


def expect(callback, step):
    """The next callback, which must be this one."""
    try:
        name, value, api = heard.get(timeout=max(0, DEADLINE - time.monotonic()))
    except queue.Empty:
        report(missing=callback, step=step)
        end(1)
    if name != callback:
        report(missing=callback, step=step, instead=name)
        end(1)
    return value, api


def connect():
    value, api = expect("on_connect", "TOKEN_AUTH")
    report(callback="on_connect", sdk=VERSION, **value)
    same("the bot's id", value["bot_id"], TOKEN.split(":")[0])
    return api


def ask(method, callback, send, reference):
    """Sends one request and takes its answer: the SDK's pool of threads keeps no order among several."""
    send()
    value, _ = expect(callback, method)
    report(callback=callback, method=method, **value)
    same(f"the reference of {method}", value["reference"], reference)
    return value


def signup_answer(method, callback, send, reference):
    value = ask(method, callback, send, reference)
    same(f"the app_id of {method}", value["app_id"], APP_ID)
    return value["signups"]


def ids_of(records, signup_ids, method):
    """The record id of each sign-up, having checked that they are the ones asked for, in order."""
    same(f"the sign-ups of {method}", [record["signup_id"] for record in records], signup_ids)
    return digits({record["signup_id"]: record["id"] for record in records}, method)


def digits(ids, method):
    for name, record_id in ids.items():
        same(f"that {method} gives {name} an id of digits", str(record_id).isdecimal(), True)
    same(f"that {method} gives each its own id", len(set(ids.values())), len(ids))
    return ids


def listed(records, signup_ids):
    """The ids of those sign-ups a list holds: a demonstration app may hold others."""
    return {record["signup_id"]: record["id"] for record in records if record["signup_id"] in signup_ids}


def keep_white_list(api):
    """Adds in each form a bot may use, lists, adds again, removes, lists."""
    one, two, phone = "white.one@sdk.example", "White.Two@sdk.example", "16136147500"
    written = WhiteListUser({"signup_user": two, "tags": ["4", "7"]}).to_json_obj()[1]
    new = [{"signup_id": one, "tags": ["4"]}, written, phone]

    def add(users, app_id, reference):
        return signup_answer(
            "addToWhitelist", "on_white_list", lambda: api.add_white_list(users, app_id, reference), reference
        )

    def get(app_id, reference):
        return signup_answer(
            "getWhitelistUsers", "on_white_list", lambda: api.get_white_list(app_id, reference), reference
        )

    def remove(users, reference):
        return signup_answer(
            "removeFromWhitelist",
            "on_remove_white_list",
            lambda: api.delete_white_list(users, APP_ID, reference),
            reference,
        )

    ids = ids_of(add(new, APP_ID, LARGEST_REFERENCE), [one, two, phone], "addToWhitelist")
    same("the whitelist", listed(get(APP_ID, "1212"), ids), ids)
    again = ids_of(add([{"signup_id": one, "tags": ["4"]}], int(APP_ID), None), [one], "addToWhitelist, again")
    same("the id of a sign-up that stands", again[one], ids[one])
    same("what was removed", remove([one, "absent@sdk.example", phone], 111111148), [one, phone])
    same("the whitelist", listed(get(int(APP_ID), None), ids), {two: ids[two]})
    same("what was removed", remove([two], None), [two])
    same("what was removed", remove([two], None), [])


def keep_black_list(api):
    """As the whitelist, but that a blacklist is mostly given plain strings, and numbers by mistake."""
    one, two, number = "black.one@sdk.example", "black.two@sdk.example", 16136147501

    def add(users, reference):
        return signup_answer(
            "addToBlacklist", "on_black_list", lambda: api.add_black_list(users, APP_ID, reference), reference
        )

    def get(reference):
        value = ask(
            "getBlacklistUsers", "on_black_list", lambda: api.get_black_list(APP_ID, reference), reference
        )
        same("that eop is a boolean", type(value["eop"]).__name__, "bool")
        return value["signups"]

    def remove(users, reference):
        return signup_answer(
            "removeFromBlacklist",
            "on_remove_black_list",
            lambda: api.delete_black_list(users, APP_ID, reference),
            reference,
        )

    records = add([one, {"signup_id": two}, number], "b-1")
    ids = ids_of(records, [one, two, str(number)], "addToBlacklist")
    same("the blacklist", listed(get(LARGEST_REFERENCE), ids), ids)
    same("what was removed", remove([one, str(number)], None), [one, str(number)])
    same("the blacklist", listed(get(None), ids), {two: ids[two]})
    same("what was removed", remove([two], 9), [two])


def keep_patterns(kind, callback, add_with, remove_with, tags):
    """Adds two patterns, one of them again, and removes them: as an array, and as the bare string a bot may pass."""
    add_method, remove_method = f"add{kind}Patterns", f"remove{kind}Patterns"
    first = {"pattern": f".*@{kind.lower()}[.]example", "example": f"a@{kind.lower()}.example", **tags}
    second = {"pattern": f"^1613.*{kind.lower()}", **tags}
    given = [Data(first).to_dict(), Data(second).to_dict()]

    def answer(method, send, reference):
        # The parser makes numbers of these, and 0 of one that is absent; null would be the end of it.
        value = ask(method, callback, send, reference or 0)
        same(f"the app_id of {method}", value["app_id"], int(APP_ID))
        same(f"the chat_id of {method}", value["chat_id"] in (0, int(APP_ID)), True)
        return value["patterns"]

    def add(data, app_id, reference):
        return answer(add_method, lambda: add_with(APP_ID, data, app_id, reference), reference)

    def remove(pattern, reference):
        return answer(remove_method, lambda: remove_with(APP_ID, pattern, APP_ID, reference), reference)

    added = add(given, APP_ID, LARGEST_REFERENCE)
    ids = digits({item.get("pattern"): item.pop("id", None) for item in added}, add_method)
    same(f"what {add_method} added", added, [first, second])
    same("what a pattern that stands adds", add(given[:1], None, None), [])
    for pattern, reference in (([first["pattern"], ".*absent"], None), (second["pattern"], 1212)):
        wanted = pattern if isinstance(pattern, str) else pattern[0]
        gone = remove(pattern, reference)
        same(f"what {remove_method} removed", [(item["pattern"], item["id"]) for item in gone], [(wanted, ids[wanted])])


def be_refused(api):
    """The SDK has no callback for an error: that the next answer arrives shows that it lived through this one."""
    api.get_white_list("1", 404)
    api.send(json.dumps({"method": "noSuchMethod", "reference": 405}))
    signup_answer("getWhitelistUsers", "on_white_list", lambda: api.get_white_list(APP_ID, 406), 406)


def keep_the_lists():
    api = connect()
    if not pong_heard.wait(max(0, DEADLINE - time.monotonic())):
        report(missing="on_receive_obj", step="PING")
        end(1)
    report(callback="on_receive_obj", **PONG)
    keep_white_list(api)
    keep_black_list(api)
    keep_patterns(
        "Whitelist",
        "on_white_list_pattern",
        api.add_white_list_patterns,
        api.delete_white_list_patterns,
        {"tags": ["4", "7"]},
    )
    keep_patterns(
        "Blacklist", "on_black_list_pattern", api.add_black_list_patterns, api.delete_black_list_patterns, {}
    )
    be_refused(api)


def come_back():
    connect()
    expect("on_close", "the gateway's stop")
    report(callback="on_close")
    api = connect()
    new = [{"signup_id": "back@sdk.example", "tags": ["4"]}]
    records = signup_answer("addToWhitelist", "on_white_list", lambda: api.add_white_list(new, APP_ID, 1), 1)
    ids = ids_of(records, ["back@sdk.example"], "addToWhitelist")
    records = signup_answer("getWhitelistUsers", "on_white_list", lambda: api.get_white_list(APP_ID, 2), 2)
    same("the whitelist", listed(records, ids), ids)


def hear():
    """Subscribes, hears of a change of its own, and ends the subscription; and is refused what is not there."""
    from nandboxbots.outmessages.ListEventSubscriptionsOutMessage import ListEventSubscriptionsOutMessage
    from nandboxbots.outmessages.SubscribeToEventOutMessage import SubscribeToEventOutMessage
    from nandboxbots.outmessages.UnsubscribeFromEventOutMessage import UnsubscribeFromEventOutMessage

    api = connect()
    bot_id = TOKEN.split(":")[0]

    def send(kind, reference, app_id=APP_ID, **fields):
        message = kind()
        for name, value in {"app_id": app_id, "reference": reference, **fields}.items():
            setattr(message, name, value)
        api.send(message.to_json_obj()[0])
        value, _ = expect("on_event_response", message.method)
        # What was asked tells two answers of one name apart.
        report(callback="on_event_response", **{**value, "method": message.method})
        same(f"the reference of {message.method}", value["reference"], str(reference))
        return value

    def answered(value, method, events):
        wanted = {"method": method, "events": events, "app_id": APP_ID, "account_id": bot_id, "ack": True, "error": None}
        same(f"what {method} says", {name: value[name] for name in wanted}, wanted)

    answered(send(SubscribeToEventOutMessage, 1, events=["signup"], event="pattern"), "eventResponse", ["signup", "pattern"])
    answered(send(ListEventSubscriptionsOutMessage, 2), "listEventSubscriptionsResponse", ["signup", "pattern"])
    api.add_white_list([{"signup_id": "heard@sdk.example"}], APP_ID, 3)
    # The SDK's pool of threads keeps no order between the two.
    both = {name: value for name, value, _ in (heard.get(timeout=BOUND_S), heard.get(timeout=BOUND_S))}
    for callback in ("on_event_message", "on_white_list"):
        same(f"that {callback} is called", callback in both, True)
        report(callback=callback, method="addToWhitelist")
    event = both["on_event_message"]
    wanted = {"event": "signup", "app_id": APP_ID, "change": "addToWhitelist", "entries": ["heard@sdk.example"], "by": f"bot:{bot_id}"}
    same("the event", {name: event.get(name) for name in wanted}, wanted)
    answered(send(UnsubscribeFromEventOutMessage, 4, event="signup"), "eventResponse", ["signup"])
    refused = send(SubscribeToEventOutMessage, 5, app_id="1", event="signup")
    same("how a refusal looks", (refused["ack"], refused["error"]), (False, 160015))


def converse():
    code = 1
    try:
        (come_back if RECONNECT else hear if HEAR else keep_the_lists)()
        report(callback="done")
        code = 0
    except Exception as error:
        report(wrong="the bot itself", got=repr(error), wanted="no exception")
    finally:
        # Whatever happened: the SDK's thread would go on for ever.
        end(code)


threading.Thread(target=converse).start()
NandboxClient.get(config).connect(TOKEN, Bot())
# Only a connection that the SDK gives up comes back here.
heard.put(("the end of connect", {}, None))
