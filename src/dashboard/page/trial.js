// Tries an address: whether somebody may sign up to an app, and which entry or pattern decided.

import { field, line, make } from './dom.js';
import { soon, trying } from './live.js';

const REASONS = {
  whitelisted: ({ entry }) => `The whitelist has ${entry.signup_id}.`,
  whitelisted_by_pattern: ({ pattern }) => `The whitelist has the pattern ${pattern.pattern}.`,
  not_filtered: () => 'The whitelist does not decide, and nothing keeps them out.',
  blacklisted: ({ entry }) => `The blacklist has ${entry.signup_id}.`,
  blacklisted_by_pattern: ({ pattern }) => `The blacklist has the pattern ${pattern.pattern}.`,
  not_whitelisted: () => 'The whitelist decides, and has neither them nor a pattern that matches.',
};

export const show = (gateway, appId, view, tell) => {
  const told = make('output', { className: 'verdict' });
  const ask = async () => {
    const subject = id.element.value.trim();
    if (subject === '') {
      told.replaceChildren();
      return;
    }
    const question = { subject: { type: 'user', id: subject }, action: { name: 'sign_up' }, resource: { type: 'app', id: appId } };
    const { decision, context } = await gateway.call('checkAccess', question);
    // Another one may have been typed meanwhile.
    if (id.element.value.trim() !== subject) return;
    const why = REASONS[context.reason]?.(context) ?? context.reason;
    told.className = `verdict ${decision ? 'allowed' : 'refused'}`;
    told.replaceChildren(make('strong', {}, decision ? 'Allowed' : 'Refused'), ` ${subject}: ${why}`);
  };
  const again = soon(trying(tell, ask), 100);
  const id = field('May this one sign up?', 'who-tries', { placeholder: 'name@example.com', on: { input: again } });
  view.replaceChildren(line(trying(tell, again), 'Ask', id), told);
  id.element.focus();
  return gateway.watch({ app_id: appId, events: ['signup', 'pattern', 'app'] }, again);
};
