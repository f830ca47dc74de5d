// Tries an address: whether somebody may sign up to an app, and which entry or pattern decided.

import { make, soon } from './dom.js';

const REASONS = {
  whitelisted: ({ entry }) => `The whitelist has ${entry.signup_id}.`,
  whitelisted_by_pattern: ({ pattern }) => `The whitelist has the pattern ${pattern.pattern}.`,
  not_filtered: () => 'The whitelist does not decide, and nothing keeps them out.',
  blacklisted: ({ entry }) => `The blacklist has ${entry.signup_id}.`,
  blacklisted_by_pattern: ({ pattern }) => `The blacklist has the pattern ${pattern.pattern}.`,
  not_whitelisted: () => 'The whitelist decides, and has neither them nor a pattern that matches.',
};

export const show = async (gateway, appId, view, tell) => {
  const id = make('input', { id: 'who-tries', autocomplete: 'off', placeholder: 'name@example.com' });
  const told = make('output', { className: 'verdict' });
  const ask = async () => {
    const subject = id.value.trim();
    if (subject === '') {
      told.replaceChildren();
      return;
    }
    const question = { subject: { type: 'user', id: subject }, action: { name: 'sign_up' }, resource: { type: 'app', id: appId } };
    const { decision, context } = await gateway.call('checkAccess', question);
    // Another one may have been typed meanwhile.
    if (id.value.trim() !== subject) return;
    const why = REASONS[context.reason]?.(context) ?? context.reason;
    told.className = `verdict ${decision ? 'allowed' : 'refused'}`;
    told.replaceChildren(make('strong', {}, decision ? 'Allowed' : 'Refused'), ` ${subject}: ${why}`);
  };
  const again = soon(() => ask().catch((error) => tell(error.message)), 100);
  id.addEventListener('input', again);
  view.replaceChildren(
    make('form', { className: 'line', on: { submit: (event) => { event.preventDefault(); again(); } } },
      make('label', { htmlFor: 'who-tries' }, 'May this one sign up?'), id, make('button', {}, 'Ask')),
    told);
  id.focus();
  return gateway.watch({ app_id: appId, events: ['signup', 'pattern', 'app'] }, again);
};
