import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readWishes } from './notifications.mjs';

for (const [sql, expected] of /** @type {[string, string[]][]} */ ([
  ['LISTEN News', ['+news']],
  ['listen "Odd ""Name"""', ['+Odd "Name"']],
  ['SELECT 1; UNLISTEN *; LISTEN a; LISTEN b', ['-*', '+a', '+b']],
  ['UNLISTEN a', ['-a']],
  ['SELECT listened FROM listeners', []],
])) {
  test(`the wishes of ${sql}`, () => {
    assert.deepEqual(readWishes(sql).map(({ channel, listen }) => (listen ? '+' : '-') + channel), expected);
  });
}
