// A text that is to be used elsewhere, and a button that puts it on the clipboard.

import { button, make } from './dom.js';

const select = (element) => getSelection().setBaseAndExtent(element, 0, element, element.childNodes.length);

// `what` names the text for those who hear the button alone.
export const copied = (text, what) => {
  const [code, told] = [make('code', {}, text), make('output', {})];
  const copy = async () => {
    try {
      // Browsers have no clipboard for pages that come without TLS.
      await navigator.clipboard.writeText(text);
      told.textContent = ' Copied.';
    } catch {
      select(code);
      told.textContent = ' This browser lets no page copy; it is selected, copy it with Ctrl+C or ⌘C.';
    }
  };
  return make('span', {}, code, ' ', button('Copy', `Copy ${what}`, copy), told);
};
