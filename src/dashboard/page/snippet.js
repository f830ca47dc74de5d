// A bot to begin with, on one of the official SDKs, as `guestlist snippet` prints it.

import { copied } from './copy.js';
import { choice, make } from './dom.js';
import { trying } from './live.js';

const LANGUAGES = [['bot.py', 'Python'], ['bot.js', 'Node.js'], ['Bot.java', 'Java']];

const written = async (file, { token, app }) => {
  const url = `${location.protocol.replace('http', 'ws')}//${location.host}/nandbox/api/`;
  const nothing = file === 'bot.py' ? 'None' : 'null';
  const template = await (await fetch(`/dashboard/snippets/${file}`)).text();
  return template.replace('"@URL@"', () => JSON.stringify(url)).replace('"@TOKEN@"', () => JSON.stringify(token))
    .replace('"@APP@"', () => (app === undefined ? nothing : JSON.stringify(app)));
};

// `name` is the bot's, `values` its token and the app whose list it shows, where it has one.
export const snippet = (name, values, tell) => {
  const place = make('div', { className: 'snippet' });
  const language = choice('A working bot in', 'language', LANGUAGES);
  const show = trying(tell, async () => {
    const file = language.element.value;
    const code = await written(file, values);
    // Another one may have been chosen meanwhile.
    if (file === language.element.value) place.replaceChildren(copied(code, `a working bot as ${name}`));
  });
  language.element.addEventListener('change', show);
  show();
  return make('div', {}, make('p', { className: 'line' }, ...language.parts), place);
};
