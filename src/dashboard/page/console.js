// Sends any message there is, and shows the answer.

import { button, choice, field, make } from './dom.js';
import { download } from './download.js';
import { trying } from './live.js';

export const show = async (gateway, view, tell) => {
  const document = await (await fetch('/docs/asyncapi.json')).json();
  const messages = Object.values(document.components.messages);
  const example = (method) => messages.find(({ name }) => name === method)?.examples?.[0]?.payload ?? { method };
  const methods = Object.keys(document.operations).filter((name) => messages.some((message) => message.name === name) && name !== 'ping');
  const method = choice('Method', 'method', methods.map((name) => [name, name]));
  const fields = field('Message', 'message', { rows: 8, spellcheck: false }, 'textarea');
  const [summary, answer] = [make('p', {}), make('output', {})];
  const fill = () => {
    const { reference, ref, ...message } = example(method.element.value);
    fields.element.value = JSON.stringify(message, null, 2);
    summary.textContent = document.operations[method.element.value].summary ?? '';
  };
  method.element.addEventListener('change', fill);
  const send = trying(tell, async () => {
    tell('');
    const { method: name, ...message } = JSON.parse(fields.element.value);
    const received = await gateway.call(name, message).catch((error) => error.frame ?? Promise.reject(error));
    answer.replaceChildren(
      make('pre', {}, JSON.stringify(received, null, 2)),
      button('Save', 'Save as a transcript', () => download(`${name}.jsonl`, [
        { send: { ...message, method: name, reference: received.reference } }, { expect: received }])));
  });
  view.replaceChildren(make('h2', {}, 'Console'),
    make('form', { on: { submit: send } }, ...method.parts, summary, ...fields.parts, make('button', {}, 'Send')), answer);
  fill();
  return () => {};
};
