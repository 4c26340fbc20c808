import { describe, expect, it } from "vitest";
import { ApiError, errorOf } from "./api/errors.ts";
import { linkOf, viewOf } from "./equipment/view.ts";
import { describeError } from "./i18n/errors.ts";
import { formattingLocale, preferredLanguage } from "./i18n/languages.ts";
import { COMMON } from "./i18n/messages.ts";
import { relativeTime } from "./i18n/relativeTime.ts";
import { basicCredentials } from "./session/basic.ts";
import { pageAt } from "./shell/pages.ts";
import { rangeOf, rangeParameters } from "./time/range.ts";

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
  const { en } = COMMON;

  it("say when to try again", () => {
    const error = new ApiError(429, "too_many_failures", "Too many failed sign-ins.", 840);
    expect(describeError(error, en, timeOf)).toBe("Too many failed sign-ins. Try again at +840s.");
  });

  it("of codes that the dashboard does not know are in the server's words", () => {
    const error = new ApiError(400, "something_new", "This is new.", null);
    expect(describeError(error, en, timeOf)).toBe("That did not work: This is new.");
  });

  it("of a proxy that answers a page have its status", () => {
    const answer = new Response("<html>", { status: 502, statusText: "Bad Gateway" });
    const error = errorOf(answer, "<html>");
    expect([error.status, error.code, error.message]).toEqual([502, "http_502", "Bad Gateway"]);
  });

  it("are read from problem details", () => {
    const problem = { code: "wrong_credentials", detail: "No." };
    const answer = new Response(null, { status: 400, headers: { "Retry-After": "7" } });
    const error = errorOf(answer, problem);
    expect([error.code, error.message, error.retryAfterSeconds]).toEqual([
      "wrong_credentials",
      "No.",
      7,
    ]);
  });
});

describe("times", () => {
  it.each([
    [0, "en", "0 seconds ago"],
    [59.9, "en", "59 seconds ago"],
    [3599, "en", "59 minutes ago"],
    [7200, "pt-BR", "há 2 horas"],
    [90_000, "en", "1 day ago"],
    [-5, "en", "0 seconds ago"],
  ])("of %s seconds ago are in %s %s", (seconds, language, words) => {
    expect(relativeTime(seconds, language)).toBe(words);
  });
});

describe("the sign-in", () => {
  it("sends names and passwords in UTF-8", () => {
    expect(basicCredentials("jürgen", "pä:ß").Authorization).toBe(
      `Basic ${Buffer.from("jürgen:pä:ß").toString("base64")}`,
    );
  });
});

describe("links", () => {
  const from = "2026-01-01T00:00:00.000Z";
  const to = "2026-02-01T00:00:00.000Z";

  it.each([
    ["?window=1w", { window: "1w" }],
    ["?window=2w", { window: "24h" }],
    ["", { window: "24h" }],
    [`?from=${from}&to=${to}`, { from: new Date(from), to: new Date(to) }],
    [`?from=${to}&to=${from}&window=1m`, { window: "1m" }],
    [`?from=yesterday&to=${to}`, { window: "24h" }],
  ])("with %s name the range", (search, range) => {
    expect(rangeOf(new URLSearchParams(search))).toEqual(range);
  });

  it.each([{ window: "1m" } as const, { from: new Date(from), to: new Date(to) }])(
    "name the range that they were made of",
    (range) => {
      expect(rangeOf(new URLSearchParams(rangeParameters(range)))).toEqual(range);
    },
  );

  it("name the view that they were made of", () => {
    const view = {
      equipmentIds: ["hall/4 é?", "pump-1"],
      range: { from: new Date(from), to: new Date(to) },
      resolution: "raw",
      timeZone: "America/Sao_Paulo",
      compare: "1w",
    } as const;
    const link = new URL(linkOf(view), "http://localhost");
    const [, encoded = ""] = link.pathname.split("/ui/equipment/");
    expect(viewOf(decodeURIComponent(encoded), link.searchParams, "UTC")).toEqual(view);
  });

  it("that name nothing of a view show the newest day as it comes, in the reader's zone", () => {
    const search = new URLSearchParams("tz=Mars/Olympus&resolution=2h&compare=never&with=a");
    expect(viewOf("a", search, "Europe/Berlin")).toEqual({
      equipmentIds: ["a"],
      range: { window: "24h" },
      resolution: "auto",
      timeZone: "Europe/Berlin",
      compare: null,
    });
  });

  it.each(["/ui/nothing", "/ui/%E0%A4%A"])("to %s lead to no page", (path) => {
    expect(pageAt(path)).toBeNull();
  });

  it.each(["/ui", "/ui/"])("to %s lead to the fleet", (path) => {
    expect(pageAt(path)?.page.title).toBe("fleet");
  });
});
