import { translations } from "./translations.ts";

/** Texts of the shell, and those that several pages have. */
export const COMMON = translations(
  {
    language: "Language",
    signOut: "Sign out",
    signedInAs: (name: string) => `Signed in as ${name}`,
    loading: "Loading…",
    retry: "Try again",
    reload: "Load the page anew",
    pageNotLoaded:
      "This part of the dashboard could not be loaded. The server may have been upgraded meanwhile.",
    pages: "Pages",
    reference: "API reference",
    fleet: "Fleet",
    window: "Window",
    window24h: "24 hours",
    window48h: "48 hours",
    window1w: "Week",
    window1m: "Month",
    asOf: (time: string) => `As of ${time}.`,
    stale: "Late readings are being added; the numbers may still change.",
    notFound: "There is no such page",
    notFoundHint: "The address may be mistyped, or the page was moved.",
    toFleet: "Go to the fleet",
    wrongCredentials: "Wrong user name or password.",
    tooManyFailures: (time: string) => `Too many failed sign-ins. Try again at ${time}.`,
    providerUnavailable:
      "The identity provider does not answer. Nobody can sign in until it does; try again soon.",
    providerRefused:
      "The identity provider rejects this server. Its administrator finds the remedy by sensorflow doctor auth.",
    passwordLoginOff: "Signing in by password is switched off here. Use SSO.",
    unreachable: "The server does not answer. Check the connection, then try again.",
    databaseUnavailable: "The database does not answer. The server goes on when it does.",
    missingScope: "Your account may not see this. Ask who manages it for the scope that it lacks.",
    failed: (detail: string) => `That did not work: ${detail}`,
  },
  {
    language: "Idioma",
    signOut: "Sair",
    signedInAs: (name) => `Conectado como ${name}`,
    loading: "Carregando…",
    retry: "Tentar novamente",
    reload: "Recarregar a página",
    pageNotLoaded:
      "Esta parte do painel não pôde ser carregada. O servidor pode ter sido atualizado nesse meio-tempo.",
    pages: "Páginas",
    reference: "Referência da API",
    fleet: "Equipamentos",
    window: "Período",
    window24h: "24 horas",
    window48h: "48 horas",
    window1w: "Semana",
    window1m: "Mês",
    asOf: (time) => `Situação de ${time}.`,
    stale: "Leituras atrasadas estão sendo somadas; os números ainda podem mudar.",
    notFound: "Esta página não existe",
    notFoundHint: "O endereço pode ter um erro, ou a página mudou de lugar.",
    toFleet: "Ir para os equipamentos",
    wrongCredentials: "Usuário ou senha incorretos.",
    tooManyFailures: (time) => `Muitas tentativas sem sucesso. Tente novamente às ${time}.`,
    providerUnavailable:
      "O provedor de identidade não responde. Ninguém consegue entrar até que ele volte; tente em breve.",
    providerRefused:
      "O provedor de identidade rejeita este servidor. Quem o administra encontra a solução com sensorflow doctor auth.",
    passwordLoginOff: "Entrar com senha está desativado aqui. Use SSO.",
    unreachable: "O servidor não responde. Verifique a conexão e tente novamente.",
    databaseUnavailable: "O banco de dados não responde. O servidor continua quando ele voltar.",
    missingScope: "Sua conta não pode ver isto. Peça o escopo que falta a quem a administra.",
    failed: (detail) => `Não deu certo: ${detail}`,
  },
);

export type Messages = (typeof COMMON)["en"];
