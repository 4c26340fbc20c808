import { translations } from "../i18n/translations.ts";

export const HISTORY = translations(
  {
    history: "History",
    file: "File",
    state: "State",
    stored: "Stored",
    sentAt: "Sent at",
    sentBy: "Sent by",
    noImports: "No file has been imported yet.",
    noMoreImports: "There are no older imports.",
    historyPages: "Pages of the history",
    newest: "Newest",
    older: "Older",
  },
  {
    history: "Histórico",
    file: "Arquivo",
    state: "Situação",
    stored: "Gravadas",
    sentAt: "Enviado em",
    sentBy: "Enviado por",
    noImports: "Nenhum arquivo foi importado ainda.",
    noMoreImports: "Não há importações mais antigas.",
    historyPages: "Páginas do histórico",
    newest: "Mais recentes",
    older: "Mais antigas",
  },
);
