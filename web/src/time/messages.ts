import { translations } from "../i18n/translations.ts";
import { LONGEST_DAYS } from "./range.ts";

export const TIME = translations(
  {
    custom: "Custom",
    from: "From",
    to: "To",
    show: "Show",
    zone: (name: string) => `Times are in ${name}.`,
    missing: "Enter both a start and an end.",
    reversed: "The end must be later than the start.",
    tooLong: `A range may have ${LONGEST_DAYS} days at most.`,
  },
  {
    custom: "Outro",
    from: "De",
    to: "Até",
    show: "Mostrar",
    zone: (name) => `Horários em ${name}.`,
    missing: "Informe o início e o fim.",
    reversed: "O fim deve ser depois do início.",
    tooLong: `O período pode ter no máximo ${LONGEST_DAYS} dias.`,
  },
);
