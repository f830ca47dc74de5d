// A button that asks once more before it does what cannot be undone.

import { button } from './dom.js';

export const sureButton = (text, label, click) => {
  let isAsked = false;
  const ask = (asked) => {
    isAsked = asked;
    made.textContent = asked ? `Really ${text.toLowerCase()}?` : text;
    made.ariaLabel = asked ? `Really ${label[0].toLowerCase()}${label.slice(1)}?` : label;
  };
  const made = button(text, label, () => {
    if (isAsked) click();
    ask(!isAsked);
  });
  // Whoever went on has thought better of it.
  made.addEventListener('blur', () => ask(false));
  return made;
};
