import assert from "node:assert/strict";
import { test } from "node:test";
import { readSettings } from "./startup-packet.mjs";

test("parameters that are not settings are left out", () => {
  const parameters = new Map(
    Object.entries({
      user: "a",
      database: "b",
      replication: "off",
      "_pq_.x": "1",
      timezone: "UTC",
    }),
  );
  assert.deepEqual([...readSettings(parameters)], [["timezone", "UTC"]]);
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
    assert.deepEqual([...readSettings(new Map([["options", options]]))], expected);
  });
}
