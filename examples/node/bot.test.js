// How a bot is tested: against a gateway, against a mock, and the gateway against what the bot relies on.
'use strict';

const assert = require('node:assert');
const { join } = require('node:path');
const { test } = require('node:test');
const { Bot } = require('./bot.js');
const { gateway, mock, replay } = require('./guestlist.js');

// The demo data's.
const APP = '90090684293000559';
const TOKEN = '90091784056528980:0:DemoBotTokenForLocalUseOnly001';
const TOKEN_WITHOUT_PERMISSION = '90091784056528981:0:DemoBotWithoutAnyPermission001';

const INVITE = join(__dirname, '..', 'invite.jsonl');

test('who is invited is on the list', async (t) => {
  const bot = await Bot.connect(await gateway(t), TOKEN, APP);
  assert.deepStrictEqual(await bot.guests(), []);
  await bot.invite('name@example.com');
  assert.deepStrictEqual(await bot.guests(), ['name@example.com']);
  await bot.close();
});

test('a bot without permission hears so', async (t) => {
  const bot = await Bot.connect(await gateway(t), TOKEN_WITHOUT_PERMISSION, APP);
  await assert.rejects(bot.invite('name@example.com'), { code: 160017 });
  await bot.close();
});

test('the bot says what the transcript says', async (t) => {
  // No gateway and no state: the bot must send these frames, in this order, and nothing else.
  const bot = await Bot.connect(await mock(t, INVITE), TOKEN, APP);
  await bot.invite('name@example.com');
  assert.deepStrictEqual(await bot.guests(), ['name@example.com']);
  await bot.close();
});

test('the gateway answers what the transcript says', async (t) => {
  await replay(INVITE, await gateway(t));
});
