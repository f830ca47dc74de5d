// What any project can copy: a gateway for each test, and a mock of one.
//
// The binary is `guestlist`, or whatever GUESTLIST_BIN says. Every process listens on port 0, which means any free one, and
// says on its first line where; so tests may run side by side.
'use strict';

const assert = require('node:assert');
const { execFile, spawn } = require('node:child_process');
const { once } = require('node:events');
const { mkdtemp, rm } = require('node:fs/promises');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { createInterface } = require('node:readline');
const { promisify } = require('node:util');

const GUESTLIST = process.env.GUESTLIST_BIN ?? 'guestlist';

// Runs a command of the binary until the test `t` ends, and gives the URL that bots connect to.
async function running(t, ...args) {
  const child = spawn(GUESTLIST, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGTERM');
    const [code] = await ended;
    // A mock that was sent something unknown ends with 1, and has told on stderr what it was.
    assert.strictEqual(code, 0, `guestlist ${args[0]} ended with ${code}`);
  });
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([once(lines, 'line'), ended.then(() => [''])]);
  const url = line.split(' ').at(-1);
  assert.match(url, /^ws:/, `guestlist ${args[0]} did not start`);
  return url;
}

// The URL of a gateway with the demo data, which is gone after the test.
async function gateway(t) {
  const data = await mkdtemp(join(tmpdir(), 'guestlist-'));
  const url = await running(t, 'serve', '--demo', '--listen', '127.0.0.1:0', '--data', data, '--log', 'warn');
  t.after(() => rm(data, { recursive: true }));
  return url;
}

// The URL of a mock that answers from transcripts.
const mock = (t, ...transcripts) => running(t, 'mock', ...transcripts);

// Replays a transcript against a gateway; rejects with the report where something differs.
async function replay(transcript, url) {
  await promisify(execFile)(GUESTLIST, ['replay', '--url', url, transcript], { timeout: 60_000 }).catch((error) => {
    assert.fail(`${error.stdout}${error.stderr}`);
  });
}

module.exports = { gateway, mock, replay };
