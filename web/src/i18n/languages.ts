import type { Language } from "./translations.ts";

export const LANGUAGES: Record<Language, string> = { en: "English", "pt-BR": "Português (Brasil)" };

export function isLanguage(tag: string | null): tag is Language {
  return tag !== null && Object.hasOwn(LANGUAGES, tag);
}

/** The first of the reader's languages that the dashboard speaks, else English. */
export function preferredLanguage(tags: readonly string[]): Language {
  for (const tag of tags) {
    const [primary] = tag.toLowerCase().split("-");
    if (primary === "pt") return "pt-BR";
    if (primary === "en") return "en";
  }
  return "en";
}

/** How numbers and dates are written: as in the reader's own country where the language is that. */
export function formattingLocale(language: Language, tags: readonly string[]): string {
  const [primary] = language.split("-");
  return tags.find((tag) => tag.toLowerCase().split("-")[0] === primary) ?? language;
}
