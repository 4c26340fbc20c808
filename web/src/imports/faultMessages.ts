import { translations } from "../i18n/translations.ts";

/** Of requests for an import, by the code of the error; the server's own words have the details. */
export const FAULTS = translations(
  {
    import_not_found: (_: string) => "There is no such import.",
    import_state: (detail: string) =>
      `The import has moved on meanwhile, so this is not possible now. (${detail})`,
    foreign_rejects: (detail: string) =>
      `This is the list of rejects of another import. Send it on that import's page. (${detail})`,
    never_rejected: (detail: string) =>
      `The list has a line that this import never rejected; nothing was loaded. Is it the list of another import? (${detail})`,
    malformed_rejects: (detail: string) =>
      `This is not the list as it was downloaded; nothing was loaded. Keep its first line, its columns and commas, save it as CSV in UTF-8, and change rows only. (${detail})`,
    body_too_large: (_: string) =>
      "The list has more than the 16 MiB that are taken back at once; nothing was loaded. Send it in parts: lines may be left out.",
    list_too_large: (size: string) =>
      `The list has ${size}; at most 16 MiB are taken back at once. Send it in parts: lines may be left out.`,
    storage_unavailable: (_: string) =>
      "The server's storage does not answer; nothing was changed. Try again in a while.",
  },
  {
    import_not_found: (_) => "Esta importação não existe.",
    import_state: (detail) =>
      `A importação mudou de situação nesse meio-tempo, por isso agora não é possível. (${detail})`,
    foreign_rejects: (detail) =>
      `Esta é a lista de rejeitadas de outra importação. Envie-a na página dela. (${detail})`,
    never_rejected: (detail) =>
      `A lista tem uma linha que esta importação nunca rejeitou; nada foi carregado. Será a lista de outra importação? (${detail})`,
    malformed_rejects: (detail) =>
      `Esta não é a lista como foi baixada; nada foi carregado. Mantenha a primeira linha, as colunas e as vírgulas, salve como CSV em UTF-8 e altere só as linhas rejeitadas. (${detail})`,
    body_too_large: (_) =>
      "A lista passa dos 16 MiB aceitos por envio; nada foi carregado. Envie-a em partes: linhas podem faltar.",
    list_too_large: (size) =>
      `A lista tem ${size}; são aceitos até 16 MiB por envio. Envie-a em partes: linhas podem faltar.`,
    storage_unavailable: (_) =>
      "O armazenamento do servidor não responde; nada foi alterado. Tente de novo daqui a pouco.",
  },
);
