// Says whom a pattern would match, as it is typed, and whether it would match one who is typed too.

import { field, make } from './dom.js';
import { inTurn, soon } from './live.js';

const TYPED_MS = 10;

const whom = ({ whitelist, blacklist, examples }) => {
  const all = `Matches ${whitelist.toLocaleString()} on the whitelist and ${blacklist.toLocaleString()} on the blacklist`;
  return examples.length === 0 ? `${all}.` : `${all}, such as ${examples.join(', ')}.`;
};

// `asked` gives the pattern that is typed and its operator. Gives what to show, and what to call when another is typed.
export const tester = (gateway, appId, asked) => {
  const [matched, tried] = [make('output', {}), make('output', {})];
  const show = (output, state, ...parts) => {
    output.className = parts.length === 0 ? '' : `verdict ${state}`;
    output.replaceChildren(...parts);
  };
  const ask = async () => {
    const [{ pattern, operator }, who] = [asked(), id.element.value.trim()];
    if (pattern === '') {
      show(matched, '');
      show(tried, '');
      return;
    }
    const signups = who === '' ? [] : [who];
    const answer = await gateway.call('testPattern', { app_id: appId, pattern, operator, signups }).catch((error) => ({ error }));
    const now = asked();
    // Another one may have been typed meanwhile.
    if (now.pattern !== pattern || now.operator !== operator || id.element.value.trim() !== who) return;
    if (answer.error) {
      show(matched, 'refused', answer.error.message);
      show(tried, '');
      return;
    }
    show(matched, 'allowed', whom(answer));
    if (who === '') show(tried, '');
    for (const { signup_id: signup, matches } of answer.signups) {
      show(tried, matches ? 'allowed' : 'refused', make('strong', {}, matches ? 'Matches' : 'Does not match'), ` ${signup}`);
    }
  };
  const again = soon(inTurn(ask), TYPED_MS);
  const id = field('Would it match this one?', 'pattern-tried', { maxLength: 254, placeholder: 'name@example.com', on: { input: again } });
  return { element: make('div', {}, matched, make('p', { className: 'line' }, ...id.parts), tried), again };
};
