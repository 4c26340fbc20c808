/** As many values as the other language puts into it. */
type SameText<Text> = Text extends (...values: infer Values) => string
  ? (...values: Values) => string
  : string;
type Texts<English> = { [Key in keyof English]: SameText<English[Key]> };

/** The texts of one subject in each language. */
export interface Translations<English> {
  en: Texts<English>;
  "pt-BR": Texts<English>;
}
export type Language = keyof Translations<unknown>;

/** Texts that a language lacks are an error of the types. */
export function translations<English extends Texts<English>>(
  english: English,
  portuguese: Texts<English>,
): Translations<English> {
  return { en: english, "pt-BR": portuguese };
}
