// Sends any message there is, filled in by its fields or as JSON, and shows the answer.

import { button, field, make } from './dom.js';
import { download } from './download.js';
import { form } from './form.js';
import { parse, pretty } from './json.js';
import { trying } from './live.js';

// The methods that may be sent, each with its operation and its message, by their nouns.
const catalogue = (document) => {
  const messages = new Map(Object.values(document.components.messages).map((message) => [message.name, message]));
  const methods = Object.entries(document.operations).filter(([name, { action }]) => action === 'receive' && messages.has(name))
    .map(([name, operation]) => ({ name, operation, message: messages.get(name), noun: operation.tags[0].name }));
  return Map.groupBy(methods, ({ noun }) => noun);
};

const chooser = (nouns, change) => {
  const made = field('Method', 'method', { on: { change } }, 'select');
  made.element.append(...[...nouns].sort().map(([noun, methods]) => make('optgroup', { label: noun },
    ...methods.map(({ name }) => make('option', { value: name }, name)))));
  return made;
};

// What a message is begun with: its example, without the references that the page gives itself.
const example = ({ name, examples }) => {
  const { reference, ref, method, ...values } = examples?.[0]?.payload ?? {};
  return { method: name, ...values };
};

const frame = (title, value) => make('section', {}, make('h3', {}, title), make('pre', {}, pretty(value)));

export const show = async (gateway, view, tell) => {
  const document = await (await fetch('/docs/asyncapi.json')).json();
  const nouns = catalogue(document);
  const methods = new Map([...nouns.values()].flat().map((method) => [method.name, method]));
  const [summary, place, answer] = [make('p', { className: 'help' }), make('div', {}), make('output', {})];
  const broken = make('p', { className: 'help', hidden: true }, 'The fields are back once the message is JSON again.');
  let [shown, fields] = [undefined, undefined];
  // The JSON is what is sent; a field changes its part of it, and what is typed there shows in the fields.
  const message = field('The message that is sent', 'message', { rows: 12, spellcheck: false, on: { input: () => typed() } }, 'textarea');
  const write = (values) => { message.element.value = pretty(values); };
  const changed = (name, value) => write({ ...parse(message.element.value), [name]: value });
  const turnTo = (name) => {
    if (name === shown) return;
    shown = name;
    fields = form(document, methods.get(name).message, changed);
    place.replaceChildren(fields.element);
    summary.textContent = `${methods.get(name).operation.summary}.`;
    method.element.value = name;
  };
  const typed = () => {
    try {
      const values = parse(message.element.value);
      if (methods.has(values.method)) turnTo(values.method);
      fields.show(values);
      fields.element.disabled = false;
    } catch {
      fields.element.disabled = true;
    }
    broken.hidden = !fields.element.disabled;
  };
  const begin = (values) => {
    write(values);
    typed();
  };
  const method = chooser(nouns, () => begin(example(methods.get(method.element.value).message)));
  const send = trying(tell, async () => {
    tell('');
    const { method: name, ...values } = parse(message.element.value);
    const start = performance.now();
    const received = await gateway.call(name, values).catch((error) => error.frame ?? Promise.reject(error));
    const took = (performance.now() - start).toFixed(1);
    const sent = { method: name, ...values, reference: received.reference };
    answer.replaceChildren(
      frame(`${received.error === undefined ? 'Answer' : 'Refusal'}, after ${took} ms`, received),
      frame('Sent', sent),
      button('Save', 'Save as a transcript', () => download(`${name}.jsonl`, [{ send: sent }, { expect: received }])));
  });
  const clear = button('Clear', 'Clear the fields', () => begin({ method: shown }));
  view.replaceChildren(make('h2', {}, 'Console'),
    make('form', { className: 'console', on: { submit: send } },
      make('div', {}, ...method.parts, summary, broken, place),
      make('div', {}, ...message.parts, make('p', { className: 'line' }, make('button', {}, 'Send'), clear), answer)));
  begin(example(methods.values().next().value.message));
  return () => {};
};
