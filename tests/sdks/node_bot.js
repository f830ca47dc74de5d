// A bot on the official Node SDK, as published, that keeps an app's sign-up lists and checks every answer.
//
//     BOT_URL=ws://… BOT_TOKEN=… BOT_APP_ID=… NODE_PATH=…/node_modules node node_bot.js
//
// nandbox-bot-api 1.2.19 knows none of today's sign-up methods: its own helpers for them throw or send names long gone.
// A bot sends them as text with api.send, and finds every answer in onReceiveObj, as it came off the wire. So this is
// also where the JSON types are checked that a Java bot dies of and the Python SDK hides.
//
// Each callback is written as one JSON object a line, and nothing else goes to standard output. The last line is
// {"callback":"done"}, exit 0; or {"missing":…} or {"wrong":…}, exit 1.
"use strict";

const assert = require("node:assert");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const { BOT_URL: url, BOT_TOKEN: token, BOT_APP_ID: appId } = process.env;
const boundMs = 30_000;

// The SDK logs into ../../../../logs, and prints what it does; the latter is shown only when something went wrong.
const home = fs.mkdtempSync(path.join(os.tmpdir(), "guestlist-bot-"));
const here = path.join(home, "a", "bot", "far", "down");
fs.mkdirSync(here, { recursive: true });
process.chdir(here);
const printed = [];
console.log = (...words) => printed.push(words.join(" "));

const NandBox = require("nandbox-bot-api/src/NandBox");
const { NandBoxClient } = require("nandbox-bot-api/src/NandBoxClient");

const digits = /^[0-9]+$/;
const one = "white.one@sdk.example";
const two = "White.Two@sdk.example";
const phone = "16136147500";
const blackOne = "black.one@sdk.example";
const blackTwo = "black.two@sdk.example";
const blackPhone = "16136147501";
const white = [[one, ["4"]], [two, ["4", "7"]], [phone, []]];
const black = [[blackOne, []], [blackTwo, []], [blackPhone, []]];
const idsSeen = new Map();

// What is asked, one after the other, and what must be true of the answer. A request without `reference` is one that
// a bot did not number: the answer to a pattern request must then have no such key, for null ends a Python bot.
const conversation = [
  {
    // The three forms in which the other SDKs send a sign-up.
    ask: {
      method: "addToWhitelist",
      reference: "111111148",
      signups: [{ signup_id: one, tags: ["4"] }, { signup_user: two, tags: ["4", "7"] }, phone],
    },
    check: (answer) => assert.deepStrictEqual(records(answer), white),
  },
  {
    ask: { method: "getWhitelistUsers", reference: 111111149 },
    check: (answer) => assert.deepStrictEqual(listed(answer, white), white),
  },
  {
    // A page of one, and not the first: no SDK can ask for it but through text.
    ask: { method: "getWhitelistUsers", page_size: 1, page_number: 1 },
    check: (answer) => assert.strictEqual(answer.signups.length, 1),
  },
  {
    ask: { method: "removeFromWhitelist", reference: "2", signups: [one, "absent@sdk.example", phone] },
    check: (answer) => assert.deepStrictEqual(answer.signups, [one, phone]),
  },
  {
    ask: { method: "getWhitelistUsers", reference: Number.MAX_SAFE_INTEGER },
    check: (answer) => assert.deepStrictEqual(listed(answer, white), [white[1]]),
  },
  {
    ask: { method: "removeFromWhitelist", signups: [two] },
    check: (answer) => assert.deepStrictEqual(answer.signups, [two]),
  },
  {
    ask: { method: "removeFromWhitelist", signups: [two] },
    check: (answer) => assert.deepStrictEqual(answer.signups, []),
  },
  {
    ask: {
      method: "addToBlacklist",
      reference: "b-1",
      signups: [blackOne, { signup_id: blackTwo }, Number(blackPhone)],
    },
    check: (answer) => assert.deepStrictEqual(records(answer), black),
  },
  {
    ask: { method: "getBlacklistUsers", reference: 5 },
    check: (answer) => assert.deepStrictEqual(listed(answer, black), black),
  },
  {
    ask: { method: "removeFromBlacklist", reference: 6, signups: [blackOne, blackPhone, blackTwo] },
    check: (answer) => assert.deepStrictEqual(answer.signups, [blackOne, blackPhone, blackTwo]),
  },
  {
    ask: { method: "getBlacklistUsers" },
    check: (answer) => assert.deepStrictEqual(listed(answer, black), []),
  },
  ...patterns("Whitelist", { tags: ["4", "7"] }),
  ...patterns("Blacklist", {}),
  // Refusals have no method, hence no callback: that the next answer arrives shows that the bot lived through them.
  { ask: { method: "getWhitelistUsers", app_id: "1", reference: 404 } },
  { ask: { method: "noSuchMethod", reference: 405 } },
  {
    ask: { method: "getWhitelistUsers", reference: 406 },
    check: (answer) => assert.deepStrictEqual(listed(answer, white), []),
  },
];

// Adds two patterns, one of them again, and removes them; `data` is the older name of `patterns`.
function patterns(list, tags) {
  const first = { pattern: `.*@${list.toLowerCase()}[.]example`, example: `a@${list.toLowerCase()}.example`, ...tags };
  const second = { pattern: `^1613.*${list.toLowerCase()}`, ...tags };
  const add = `add${list}Patterns`;
  const remove = `remove${list}Patterns`;
  const texts = (answer) => answer.data.map((item) => item.pattern);
  return [
    {
      ask: {
        method: add,
        chat_id: appId,
        reference: "1212",
        patterns: [first, { ...second, id: null, example: null }],
      },
      check: (answer) => assert.deepStrictEqual(answer.data.map(withoutId), [first, second]),
    },
    { ask: { method: add, chat_id: appId, data: [first] }, check: (answer) => assert.deepStrictEqual(answer.data, []) },
    {
      ask: { method: remove, chat_id: appId, patterns: [first.pattern, ".*absent"] },
      check: (answer) => assert.deepStrictEqual(texts(answer), [first.pattern]),
    },
    {
      ask: { method: remove, reference: 1213, patterns: second.pattern },
      check: (answer) => assert.deepStrictEqual(texts(answer), [second.pattern]),
    },
  ];
}

// A pattern as it was sent: without its id, and without the keys that say nothing (null, or no tags).
function withoutId({ id, ...object }) {
  const said = Object.entries(object).filter(([, value]) => value !== null && value.length > 0);
  return Object.fromEntries(said);
}

function records(answer) {
  return answer.signups.map(({ signup_id, tags }) => [signup_id, tags ?? []]);
}

// Those of a page that this bot put there, in this bot's order: a demonstration app may hold others.
function listed(answer, mine) {
  const page = new Map(records(answer));
  return mine.filter(([signupId]) => page.has(signupId)).map(([signupId]) => [signupId, page.get(signupId)]);
}

// The types that hold for every answer of the family, whatever was asked.
function checkTypes(asked, answer) {
  const suffix = asked.method.startsWith("get") ? "Response" : "_ack";
  assert.strictEqual(answer.method, asked.method + suffix);
  assert.strictEqual(answer.app_id, appId);
  if (asked.reference !== undefined) {
    assert.strictEqual(answer.reference, asked.reference);
  } else if (asked.method.endsWith("Patterns")) {
    assert.ok(!("reference" in answer), "a reference that nobody gave");
  } else {
    assert.ok(answer.reference == null, "a reference that nobody gave");
  }
  if ("chat_id" in answer) assert.strictEqual(answer.chat_id, appId);
  if (asked.method.endsWith("Patterns")) {
    checkRecords(answer.data, "pattern");
  } else if (asked.method.startsWith("remove")) {
    for (const signup of answer.signups) assert.strictEqual(typeof signup, "string");
  } else {
    checkRecords(answer.signups, "signup_id");
  }
  if (asked.method.startsWith("get")) {
    assert.ok(typeof answer.eop === "boolean" || answer.eop == null, "eop is a boolean");
  }
}

// Every record has an id of digits, as text, and keeps it for as long as it stands.
function checkRecords(list, key) {
  assert.ok(Array.isArray(list), `the array of records with ${key}`);
  for (const record of list) {
    assert.match(record.id, digits);
    assert.strictEqual(typeof record[key], "string");
    for (const tag of record.tags ?? []) assert.strictEqual(typeof tag, "string");
    const name = `${key} ${record[key]}`;
    assert.strictEqual(record.id, idsSeen.get(name) ?? record.id);
    idsSeen.set(name, record.id);
  }
}

function report(line) {
  fs.writeSync(1, JSON.stringify(line) + "\n");
}

function end(code) {
  if (code !== 0) fs.writeSync(2, printed.join("\n") + "\n");
  fs.rmSync(home, { recursive: true, force: true });
  process.exit(code);
}

// Runs a check; what it throws is the last line of the report.
function must(what, check) {
  try {
    check();
  } catch (error) {
    report({ wrong: what, got: error.actual, wanted: error.expected, why: error.message });
    end(1);
  }
}

let api = null;
let step = -1;
let waitingFor = "onConnect";

setTimeout(() => miss("it is late"), boundMs);

function miss(why) {
  report({ missing: waitingFor, step: conversation[step]?.ask.method ?? "TOKEN_AUTH", why });
  end(1);
}

// Sends the next request, and with it those before it that are refused and so have no answer here.
function next() {
  for (step += 1; step < conversation.length; step += 1) {
    const { ask, check } = conversation[step];
    // As text: a number would be rounded by JavaScript.
    api.send(JSON.stringify({ app_id: appId, ...ask }));
    if (check) return;
  }
  report({ callback: "done" });
  end(0);
}

const callback = new NandBox().Callback;

callback.onConnect = (connected, greeting) => {
  const sdk = require("nandbox-bot-api/package.json").version;
  report({ callback: "onConnect", bot_id: greeting.ID, sdk });
  must("the greeting", () => {
    assert.strictEqual(waitingFor, "onConnect");
    assert.strictEqual(greeting.ID, token.split(":")[0]);
    assert.strictEqual(typeof greeting.name, "string");
  });
  api = connected;
  waitingFor = "onReceiveObj";
  next();
};

callback.onReceiveObj = (answer) => {
  report({ callback: "onReceiveObj", ...answer });
  const { ask, check } = conversation[step];
  must(`the answer to ${ask.method}`, () => {
    checkTypes(ask, answer);
    check(answer);
  });
  next();
};

callback.onClose = () => miss("the connection was closed");

NandBoxClient.get({ URI: url, Token: token }).connect(token, callback);
