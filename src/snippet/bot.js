// A bot on the official SDK: says who it is, and who is on the whitelist of its app.
//
//     npm install nandbox-bot-api@1.2.19
//     node bot.js
"use strict";

const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const url = "@URL@";
const token = "@TOKEN@";
const appId = "@APP@"; // an app of the bot's, as text, for JavaScript rounds such a number; null for no list

// The SDK logs into four directories above the one where it runs, as soon as it is loaded.
const here = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "bot-")), "a", "bot", "far", "down");
fs.mkdirSync(here, { recursive: true });
process.chdir(here);

const NandBox = require("nandbox-bot-api/src/NandBox");
const { NandBoxClient } = require("nandbox-bot-api/src/NandBoxClient");

const bot = new NandBox().Callback;

bot.onConnect = (api, welcome) => {
  console.log(`connected as bot ${welcome.ID}`);
  // The SDK's own helpers for the lists are of another time, so what is asked is written out.
  if (appId !== null) api.send(JSON.stringify({ method: "getWhitelistUsers", app_id: appId, reference: "1" }));
};

bot.onReceiveObj = (answer) => {
  if (answer.method !== "getWhitelistUsersResponse") return;
  const signups = answer.signups.map((signup) => signup.signup_id);
  console.log(`on the whitelist: ${signups.join(", ") || "nobody"}`);
};

bot.onClose = () => console.log("the connection was closed");

NandBoxClient.get({ URI: url }).connect(token, bot);
