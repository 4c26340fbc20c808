import { describe, expect, it } from "vitest";
import { ApiError, errorOf } from "./api/errors.ts";
import { change } from "./fleet/change.ts";
import { summaryQuery, windowOf } from "./fleet/windows.ts";
import { describeError } from "./i18n/errors.ts";
import { formattingLocale, preferredLanguage } from "./i18n/languages.ts";
import { MESSAGES } from "./i18n/messages.ts";
import { basicCredentials } from "./session/basic.ts";

describe("languages", () => {
  it.each([
    [["pt-PT", "en"], "pt-BR", "pt-PT"],
    [["de-DE", "en-GB", "pt"], "en", "en-GB"],
    [["ja"], "en", "en"],
    [[], "en", "en"],
  ] as const)("of a reader of %j are %s, written as in %s", (tags, language, formatting) => {
    expect(preferredLanguage(tags)).toBe(language);
    expect(formattingLocale(language, tags)).toBe(formatting);
  });
});

describe("errors", () => {
  const timeOf = (moment: Date) => `+${Math.round((moment.getTime() - Date.now()) / 1000)}s`;
  const { en } = MESSAGES;

  it("say when to try again", () => {
    const error = new ApiError(429, "too_many_failures", "Too many failed sign-ins.", 840);
    expect(describeError(error, en, timeOf)).toBe("Too many failed sign-ins. Try again at +840s.");
  });

  it("of codes that the dashboard does not know are in the server's words", () => {
    const error = new ApiError(400, "something_new", "This is new.", null);
    expect(describeError(error, en, timeOf)).toBe("That did not work: This is new.");
  });

  it("of a proxy that answers a page have its status", async () => {
    const answer = new Response("<html>", { status: 502, statusText: "Bad Gateway" });
    const error = await errorOf(answer);
    expect([error.status, error.code, error.message]).toEqual([502, "http_502", "Bad Gateway"]);
  });

  it("are read from problem details", async () => {
    const problem = { code: "wrong_credentials", detail: "No." };
    const answer = Response.json(problem, { status: 400, headers: { "Retry-After": "7" } });
    const error = await errorOf(answer);
    expect([error.code, error.message, error.retryAfterSeconds]).toEqual([
      "wrong_credentials",
      "No.",
      7,
    ]);
  });
});

describe("the sign-in", () => {
  it("sends names and passwords in UTF-8", () => {
    expect(basicCredentials("jürgen", "pä:ß").Authorization).toBe(
      `Basic ${Buffer.from("jürgen:pä:ß").toString("base64")}`,
    );
  });
});

describe("the fleet", () => {
  it.each([
    ["?window=1w", "1w"],
    ["?window=2w", "24h"],
    ["", "24h"],
  ])("of the link %s shows the window %s", (search, window) => {
    expect(windowOf(search)).toBe(window);
  });

  it("asks for its sums without the buckets", () => {
    expect(summaryQuery("1m")).toEqual({
      interval: "1m",
      groupBy: "all",
      compare: "previous",
      limit: 1,
    });
  });

  it.each([
    [110, 100, 0.1],
    [-5, -10, 0.5],
    [5, 0, null],
    [5, null, null],
    [null, 5, null],
  ])("that has %s after %s changed by %s", (now, before, part) => {
    expect(change(now, before)).toBe(part);
  });
});
