// The form of a message: a field for each of its fields, which says what that is for.

import { make } from './dom.js';
import { fields } from './schema.js';

// What stands between backticks is code.
const told = (text) => text.split('`').map((part, index) => (index % 2 ? make('code', {}, part) : part));

const WORDS = { '': 'left out', true: 'yes', false: 'no' };

const control = ({ kind, values }, properties) => {
  if (kind === 'choice') {
    const options = ['', ...values].map((value) => make('option', { value }, WORDS[value] ?? value));
    return make('select', properties, ...options);
  }
  const made = kind === 'text' ? make('input', properties) : make('textarea', { rows: 3, ...properties });
  return Object.assign(made, { autocomplete: 'off', spellcheck: false });
};

const row = (about, changed) => {
  const [id, help] = [`field-${about.name}`, `help-${about.name}`];
  const input = () => {
    try {
      const value = element.value === '' ? undefined : about.read(element.value);
      element.setCustomValidity('');
      changed(about.name, value);
    } catch (error) {
      element.setCustomValidity(error.message);
    }
  };
  const element = control(about, { id, ariaRequired: `${about.isRequired}`, on: { [about.kind === 'choice' ? 'change' : 'input']: input } });
  element.setAttribute('aria-describedby', help);
  const label = make('label', { htmlFor: id }, make('code', {}, about.name), about.isRequired ? ' (required)' : '');
  const text = make('p', { id: help, className: 'help' }, ...told([about.about, about.hint].filter(Boolean).join(' ')));
  // What is typed stands as it is typed: only what comes from elsewhere is written anew.
  const show = (value) => {
    element.setCustomValidity('');
    element.value = value === undefined || value === null ? '' : about.write(value);
  };
  return { name: about.name, element: make('div', {}, label, element, text), show };
};

// The fields of a message in a fieldset, and what shows a message in them. `changed` hears a field's name and its new value,
// which is undefined where it is empty.
export const form = (document, message, changed) => {
  const rows = fields(document, message).map((about) => row(about, changed));
  const parts = rows.length === 0 ? [make('p', { className: 'help' }, 'It has none.')] : rows.map(({ element }) => element);
  const element = make('fieldset', { className: 'fields' }, make('legend', {}, 'Fields'), ...parts);
  return { element, show: (values) => rows.forEach(({ name, show }) => show(values[name])) };
};
