import assert from "node:assert/strict";
import { test } from "node:test";
import { readDefaults } from "./startup.mjs";

test("what is no setting is no default", () => {
  const parameters = new Map(
    Object.entries({
      user: "a",
      database: "b",
      replication: "off",
      "_pq_.x": "1",
      timezone: "UTC",
    }),
  );
  assert.deepEqual([...readDefaults(parameters)], [["timezone", "UTC"]]);
});

for (const [options, expected] of /** @type {[string, [string, string][]][]} */ ([
  ["", []],
  ["-c work_mem=5MB", [["work_mem", "5MB"]]],
  [
    "-cwork_mem=5MB  --statement-timeout=7s",
    [
      ["work_mem", "5MB"],
      ["statement_timeout", "7s"],
    ],
  ],
  [
    "-c a.b=x\\ y -c c=\\\\",
    [
      ["a.b", "x y"],
      ["c", "\\"],
    ],
  ],
  ["-c nonsense", []],
])) {
  test(`options ${JSON.stringify(options)}`, () => {
    assert.deepEqual([...readDefaults(new Map([["options", options]]))], expected);
  });
}
