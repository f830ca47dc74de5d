// Elements are made, never parsed: nothing that anybody stored is ever read as HTML.

// An element with properties, listeners under `on`, and children, of which those that are nothing are left out.
export const make = (name, { on = {}, ...properties } = {}, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  for (const [type, listener] of Object.entries(on)) element.addEventListener(type, listener);
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
};

// A table that scrolls by itself where it is wider than the page.
export const wide = (caption, heads, body) => make('div', { className: 'wide' }, make('table', {},
  make('caption', {}, caption),
  make('thead', {}, make('tr', {}, ...heads.map((head) => make('th', { scope: 'col' }, head)))),
  body));

// A table with a caption, or a word on what to do where it would be empty.
export const table = (caption, heads, rows, none) => (rows.length === 0
  ? make('p', { className: 'none' }, none)
  : wide(caption, heads, make('tbody', {}, ...rows)));

export const row = (...cells) => make('tr', {}, ...cells.map((cell) => make('td', {}, cell)));

// A button that says what it does, and to whom for those who hear it alone.
export const button = (text, label, click) => make('button', { type: 'button', ariaLabel: label, on: { click } }, text);

// A field with its label, to be put into a form.
export const field = (label, id, properties = {}, name = 'input') => {
  const element = make(name, { id, autocomplete: 'off', ...properties });
  return { element, parts: [make('label', { htmlFor: id }, label), element] };
};

// A choice out of a few, each with a name.
export const choice = (label, id, options) => {
  const made = field(label, id, {}, 'select');
  made.element.append(...options.map(([value, name]) => make('option', { value }, name)));
  return made;
};

// A form of one line.
export const line = (submit, text, ...fields) => make('form', { className: 'line', on: { submit } },
  ...fields.flatMap(({ parts }) => parts), make('button', {}, text));

// A link, which says so where it leads to what is shown.
export const link = (href, text, isHere = false) => make('a', { href, ...(isHere ? { ariaCurrent: 'page' } : {}) }, text);
