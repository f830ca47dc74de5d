// The organisations there are, and who their members are: from when until when, and what each may do.

import { button, field, line, link, make, row, table } from './dom.js';
import { keep, trying } from './live.js';

const PERMISSIONS = ['can_read', 'can_use_api', 'can_use_whitelist', 'can_delegate'];

const path = (orgId) => `#/organizations/${encodeURIComponent(orgId)}`;

const moment = (text) => (text ? new Date(text).toLocaleString() : '–');

const showAll = (gateway, view, tell) => {
  const place = make('div', {});
  const [id, name] = [field('Id', 'org-id', { required: true }), field('Name', 'org-name', { required: true })];
  const add = trying(tell, async () => {
    await gateway.call('setOrganization', { org_id: id.element.value.trim(), name: name.element.value });
    location.hash = path(id.element.value.trim());
  });
  const refresh = async () => {
    const { items, part } = await gateway.first('getOrganizations', 'organizations');
    const rows = items.map((one) => row(link(path(one.org_id), one.name || one.org_id), one.org_id, `${one.members}`));
    place.replaceChildren(table(`All organisations${part}`, ['Organisation', 'Id', 'Members'], rows, 'There are none yet; add one below.'));
  };
  view.replaceChildren(make('h2', {}, 'Organisations'), place, line(add, 'Add', id, name));
  return keep(gateway, { events: ['*'] }, tell, refresh);
};

const adder = (gateway, orgId, tell) => {
  const [name, email] = [field('Full name', 'member-name', { required: true }), field('Email', 'member-email', { required: true })];
  const from = field('From', 'member-from', { type: 'datetime-local' });
  const until = field('Until', 'member-until', { type: 'datetime-local' });
  const boxes = PERMISSIONS.map((permission) => make('input', {
    type: 'checkbox', value: permission, checked: permission === 'can_read', disabled: permission === 'can_read',
  }));
  const iso = ({ element }) => (element.value ? new Date(element.value).toISOString() : undefined);
  const add = trying(tell, async () => {
    await gateway.call('addToOrgWhitelist', {
      org_id: orgId,
      name: name.element.value,
      email: email.element.value.trim(),
      permissions: boxes.filter((box) => box.checked).map((box) => box.value),
      start_date: iso(from) ?? new Date().toISOString(),
      end_date: iso(until),
    });
    for (const { element } of [name, email, from, until]) element.value = '';
    tell('');
  });
  const permissions = boxes.map((box) => make('label', {}, box, ` ${box.value}`));
  return make('form', { on: { submit: add } },
    ...[name, email, from, until].flatMap(({ parts }) => parts),
    make('fieldset', {}, make('legend', {}, 'May'), ...permissions),
    make('button', {}, 'Let in'));
};

const showOne = (gateway, orgId, view, tell) => {
  const place = make('div', {});
  const remove = (email) => button('Remove', `Remove ${email}`, trying(tell, () => gateway.call('removeFromOrgWhitelist', {
    org_id: orgId, email,
  })));
  const refresh = async () => {
    const { items, part } = await gateway.first('getOrgWhitelist', 'members', { org_id: orgId });
    const rows = items.map((member) => row(member.name, member.email, member.permissions.join(', '), moment(member.start_date),
      moment(member.end_date), member.status, remove(member.email)));
    const heads = ['Name', 'Email', 'May', 'From', 'Until', 'Now', 'Change'];
    place.replaceChildren(table(`Members${part}`, heads, rows, 'Nobody is a member yet.'));
  };
  view.replaceChildren(make('p', {}, link('#/organizations', 'All organisations')), make('h2', {}, `Organisation ${orgId}`),
    place, adder(gateway, orgId, tell));
  return keep(gateway, { org_id: orgId, events: ['organization'] }, tell, refresh);
};

export const show = (gateway, [orgId], view, tell) => (orgId ? showOne(gateway, orgId, view, tell) : showAll(gateway, view, tell));
