import { translations } from "../../i18n/translations.ts";

/** Why a row is rejected, by its code. */
export const REASONS = translations(
  {
    wrong_columns: "Not as many fields as the header has, or a quote out of place",
    missing_value: "Nothing in it",
    too_long: "More than 255 characters",
    bad_text: "Control characters, or bytes that are not UTF-8",
    invisible_character: "A character that shows nothing, such as a zero-width space",
    bad_timestamp: "Not a date and time as the options say, or none that exists",
    ambiguous_time: "The clocks showed this time twice: write its offset",
    skipped_time: "The clocks were put forward past this time: write its offset",
    too_old: "Earlier than plausible; perhaps a number in another unit",
    too_future: "In the future; perhaps a number in another unit",
    below_retention: "Older than what is retained",
    bad_number: "Not a number",
    not_finite: "Not a finite number",
    out_of_range: "Too large, or too close to zero",
    conflict: "Another value is stored for this equipment and time",
    malformed_line: "Not a line of the expected form",
  },
  {
    wrong_columns: "Número de campos diferente do cabeçalho, ou aspas fora de lugar",
    missing_value: "Está vazio",
    too_long: "Mais de 255 caracteres",
    bad_text: "Caracteres de controle, ou bytes que não são UTF-8",
    invisible_character: "Um caractere invisível, como um espaço de largura zero",
    bad_timestamp: "Não é data e hora como dizem as opções, ou não existe",
    ambiguous_time: "Os relógios mostraram esta hora duas vezes: informe o fuso",
    skipped_time: "Os relógios pularam esta hora: informe o fuso",
    too_old: "Antes do plausível; talvez um número em outra unidade",
    too_future: "No futuro; talvez um número em outra unidade",
    below_retention: "Mais antiga do que o período guardado",
    bad_number: "Não é um número",
    not_finite: "Não é um número finito",
    out_of_range: "Grande demais, ou próximo demais de zero",
    conflict: "Há outro valor gravado para este equipamento e horário",
    malformed_line: "Não é uma linha da forma esperada",
  },
);

type Code = keyof (typeof REASONS)["en"];

/** In words; a code that the dashboard does not know is shown as it is. */
export function reasonOf(code: string, texts: Record<Code, string>): string {
  return Object.hasOwn(texts, code) ? texts[code as Code] : code;
}
