// A field with the tags of something, which are others once others are typed.

import { make } from './dom.js';
import { trying } from './live.js';
import { items } from './people.js';

export const tagBox = (whose, tags, tell, save) => {
  const written = tags.join(', ');
  const change = trying((problem) => {
    box.value = written;
    tell(problem);
  }, () => save(items(box.value, ',')));
  const box = make('input', { value: written, size: 12, placeholder: 'none', ariaLabel: `Tags of ${whose}`, on: { change } });
  return box;
};
