// Elements are made, never parsed: nothing that anybody stored is ever read as HTML.

// An element with properties, listeners under `on`, and children, of which those that are nothing are left out.
export const make = (name, { on = {}, ...properties } = {}, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  for (const [type, listener] of Object.entries(on)) element.addEventListener(type, listener);
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
};

// A table with a caption for those who do not see it.
export const table = (caption, heads, rows) => make('table', {},
  make('caption', {}, caption),
  make('thead', {}, make('tr', {}, ...heads.map((head) => make('th', { scope: 'col' }, head)))),
  make('tbody', {}, ...rows));

export const row = (...cells) => make('tr', {}, ...cells.map((cell) => make('td', {}, cell)));

// Does a thing soon, and once for all who ask until then: changes come faster than anybody reads.
export const soon = (work, ms = 250) => {
  let timer;
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      work();
    }, ms);
  };
};
