import assert from "node:assert/strict";
import { test } from "node:test";
import { parseListenCommands, PendingListenCommands } from "./listen-commands.mjs";

for (const [sql, expected] of /** @type {[string, string[]][]} */ ([
  ["LISTEN News", ["+news"]],
  ['listen "Odd ""Name"""', ['+Odd "Name"']],
  ["SELECT 1; UNLISTEN *; LISTEN a; LISTEN b", ["-*", "+a", "+b"]],
  ["UNLISTEN a", ["-a"]],
  ["SELECT listened FROM listeners", []],
])) {
  test(`the LISTEN commands of ${sql}`, () => {
    assert.deepEqual(
      parseListenCommands(sql).map(({ channel, listen }) => (listen ? "+" : "-") + channel),
      expected,
    );
  });
}

/** @param {string} sql @param {string[]} tags */
function committedChannels(sql, tags) {
  const pending = new PendingListenCommands();
  pending.inspect(sql);
  pending.addTags(tags);
  return pending.takeCommitted().map(({ channel }) => channel);
}

test("a LISTEN counts once the command has completed", () => {
  assert.deepEqual(committedChannels("LISTEN a", ["LISTEN"]), ["a"]);
  assert.deepEqual(committedChannels("LISTEN a", ["SELECT 1"]), []);
});

test("a LISTEN that was rolled back does not count", () => {
  assert.deepEqual(committedChannels("LISTEN a", ["LISTEN", "ROLLBACK"]), []);
});

test("a rollback to a savepoint does not undo what came before it", () => {
  const tags = ["LISTEN", "SAVEPOINT", "ROLLBACK", "COMMIT"];
  assert.deepEqual(committedChannels("LISTEN a", tags), ["a"]);
});

test("DISCARD ALL ends all listening", () => {
  assert.deepEqual(committedChannels("DISCARD ALL", ["DISCARD ALL"]), ["*"]);
});
