import { dateTimeFormat, numberFormat } from "./formats.ts";
import { formattingLocale, isLanguage, preferredLanguage } from "./languages.ts";
import { COMMON, type Messages } from "./messages.ts";
import type { Language, Translations } from "./translations.ts";

const STORED = "sensorflow.language";

class Locale {
  language = $state<Language>(chosenLanguage());

  /** Texts of the shell, and those that several pages have. */
  get messages(): Messages {
    return this.texts(COMMON);
  }

  /** The texts of a subject, in the language chosen. */
  texts<English>(translations: Translations<English>): Translations<English>[Language] {
    return translations[this.language];
  }

  get formatting(): string {
    return formattingLocale(this.language, navigator.languages);
  }

  choose(language: Language): void {
    this.language = language;
    localStorage.setItem(STORED, language);
  }

  number(value: number, options?: Intl.NumberFormatOptions): string {
    return numberFormat(this.formatting, options).format(value);
  }

  /** In as many digits as fit anywhere, with an exponent where zeros would not; a dash for none. */
  rounded(value: number | null | undefined, maximumSignificantDigits = 6): string {
    if (value == null) return "–";
    const size = Math.abs(value);
    const notation = size >= 1e12 || (size > 0 && size < 1e-6) ? "scientific" : "standard";
    return this.number(value, { maximumSignificantDigits, notation });
  }

  dateTime(moment: Date): string {
    const style = { dateStyle: "medium", timeStyle: "medium" } as const;
    return dateTimeFormat(this.formatting, style).format(moment);
  }

  time(moment: Date): string {
    return dateTimeFormat(this.formatting, { timeStyle: "short" }).format(moment);
  }
}

function chosenLanguage(): Language {
  const stored = localStorage.getItem(STORED);
  return isLanguage(stored) ? stored : preferredLanguage(navigator.languages);
}

export const locale = new Locale();
