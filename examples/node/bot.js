// The program under test: a bot that keeps the whitelist of one app.
'use strict';

const { once } = require('node:events');
const WebSocket = require('ws');

// The gateway said no; `code` says why.
class Refused extends Error {
  constructor(answer) {
    super(answer.message);
    this.code = answer.error;
  }
}

class Bot {
  static async connect(url, token, appId) {
    const bot = new Bot(url, appId);
    await once(bot.socket, 'open');
    await bot.exchange({ method: 'TOKEN_AUTH', token, rem: true });
    return bot;
  }

  constructor(url, appId) {
    this.appId = appId;
    this.reference = 0;
    this.waiting = new Map(); // what awaits an answer, by reference
    this.socket = new WebSocket(url);
    this.socket.on('message', (text) => this.receive(JSON.parse(text)));
    this.socket.on('close', () => {
      for (const { reject } of this.waiting.values()) reject(new Error('the connection was closed'));
    });
  }

  async close() {
    this.socket.close();
    if (this.socket.readyState !== WebSocket.CLOSED) await once(this.socket, 'close');
  }

  // Lets somebody sign up.
  async invite(signup) {
    await this.call('addToWhitelist', { signups: [signup] });
  }

  // Who may sign up.
  async guests() {
    const page = await this.call('getWhitelistUsers', {});
    return page.signups.map((entry) => entry.signup_id);
  }

  call(method, fields) {
    this.reference += 1;
    return this.exchange({ method, app_id: this.appId, ...fields, reference: this.reference });
  }

  exchange(message) {
    return new Promise((resolve, reject) => {
      this.waiting.set(message.reference, { resolve, reject });
      this.socket.send(JSON.stringify(message));
    });
  }

  receive(answer) {
    const { resolve, reject } = this.waiting.get(answer.reference) ?? {};
    if (resolve === undefined) return; // news that the bot did not ask for
    this.waiting.delete(answer.reference);
    if ('error' in answer) reject(new Refused(answer));
    else resolve(answer);
  }
}

module.exports = { Bot, Refused };
