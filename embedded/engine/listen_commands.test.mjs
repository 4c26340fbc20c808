import assert from "node:assert/strict";
import { test } from "node:test";
import { readWishes, Wishes } from "./listen_commands.mjs";

for (const [sql, expected] of /** @type {[string, string[]][]} */ ([
  ["LISTEN News", ["+news"]],
  ['listen "Odd ""Name"""', ['+Odd "Name"']],
  ["SELECT 1; UNLISTEN *; LISTEN a; LISTEN b", ["-*", "+a", "+b"]],
  ["UNLISTEN a", ["-a"]],
  ["SELECT listened FROM listeners", []],
])) {
  test(`the wishes of ${sql}`, () => {
    assert.deepEqual(
      readWishes(sql).map(({ channel, listen }) => (listen ? "+" : "-") + channel),
      expected,
    );
  });
}

/** @param {string} sql @param {string[]} tags */
function taken(sql, tags) {
  const wishes = new Wishes();
  wishes.notice(sql);
  wishes.ran(tags);
  return wishes.take().map(({ channel }) => channel);
}

test("a wish counts once its command has run", () => {
  assert.deepEqual(taken("LISTEN a", ["LISTEN"]), ["a"]);
  assert.deepEqual(taken("LISTEN a", ["SELECT 1"]), []);
});

test("a wish that was rolled back does not count", () => {
  assert.deepEqual(taken("LISTEN a", ["LISTEN", "ROLLBACK"]), []);
});

test("a rollback to a savepoint does not undo what came before it", () => {
  const tags = ["LISTEN", "SAVEPOINT", "ROLLBACK", "COMMIT"];
  assert.deepEqual(taken("LISTEN a", tags), ["a"]);
});

test("DISCARD ALL ends all listening", () => {
  assert.deepEqual(taken("DISCARD ALL", ["DISCARD ALL"]), ["*"]);
});
