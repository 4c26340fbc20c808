import { formattingLocale, isLanguage, preferredLanguage } from "./languages.ts";
import { type Language, MESSAGES, type Messages } from "./messages.ts";

const STORED = "sensorflow.language";

class Locale {
  language = $state<Language>(chosenLanguage());

  get messages(): Messages {
    return MESSAGES[this.language];
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
