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
    return value.toLocaleString(this.formatting, options);
  }

  dateTime(moment: Date): string {
    return moment.toLocaleString(this.formatting, { dateStyle: "medium", timeStyle: "medium" });
  }

  time(moment: Date): string {
    return moment.toLocaleTimeString(this.formatting, { timeStyle: "short" });
  }
}

function chosenLanguage(): Language {
  const stored = localStorage.getItem(STORED);
  return isLanguage(stored) ? stored : preferredLanguage(navigator.languages);
}

export const locale = new Locale();
