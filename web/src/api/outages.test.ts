import { describe, expect, it } from "vitest";
import { delaySeconds } from "./delays.ts";
import { unavailability } from "./errors.ts";

describe("a server that is away", () => {
  it.each([
    [0, null, 1],
    [3, null, 8],
    [4, null, 15],
    [100, null, 15],
    [0, 2, 2],
    [3, 2, 8],
    [0, 3600, 15],
  ])(
    "is asked again after %d failures, with Retry-After %s, in %d s",
    (failures, after, seconds) => {
      expect(delaySeconds(failures, after)).toBe(seconds);
    },
  );

  it.each([
    [503, { code: "database_unavailable" }, true],
    [503, { code: "session_store_unavailable" }, true],
    [503, "a proxy's page", true],
    [502, "", true],
    [503, { code: "storage_unavailable" }, false],
    [500, { code: "internal_error" }, false],
    [429, { code: "too_many_requests" }, false],
    [200, {}, false],
  ])("is told from an answer: %d %j", async (status, body, away) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    expect((await unavailability(new Response(text, { status }))) !== null).toBe(away);
  });
});
