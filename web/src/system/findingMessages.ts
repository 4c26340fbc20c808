import { translations } from "../i18n/translations.ts";

/** Of each finding what is the case, and what to do about it. */
export const FINDINGS = translations(
  {
    schemaBehind: (revision: string, expected: string) =>
      `The database is at revision ${revision}; this release needs ${expected}.`,
    schemaBehindRemedy:
      "Migrate the database, as its owner. Servers and workers may go on meanwhile.",
    neverSeen: "No worker has been seen.",
    lastSeen: (time: string) => `No worker has been seen since ${time}.`,
    importsWait: (count: string) => `Imports that wait for one: ${count}.`,
    workerAbsentRemedy:
      "Start a worker. Readings are stored without one; imports and late readings wait.",
    rollupBehind: (rollup: string) => `${rollup} has not been added to as it should.`,
    rollupBehindRemedy:
      "Answers are right, but slower. Run its job as the database's owner, and see that TimescaleDB has background workers.",
    partialHoursBehind: (since: string, readings: string) =>
      `What no rollup holds is added up only until ${since}; readings that wait for it: ${readings}.`,
    partialHoursBehindRemedy:
      "Answers are right, but slower. The worker's log says why, or a transaction that has been open for long holds it up:",
    rangesStale: (count: string, since: string) =>
      `Late readings have waited for the rollups since ${since}; stale ranges: ${count}.`,
    rangesStaleRemedy:
      "The worker's log says why it does not refresh them. Check what its role may do:",
    importsWaiting: (count: string, since: string) =>
      `Imports that no worker takes: ${count}, the oldest since ${since}.`,
    importsWaitingRemedy: "The workers are busy. Start another one:",
    policyFailed: (job: string, times: string) =>
      `The job ${job} failed. Failures in a row: ${times}.`,
    policyFailedWith: (job: string, times: string, error: string) =>
      `The job ${job} failed: ${error} (failures in a row: ${times})`,
    policyFailedRemedy:
      "Meanwhile a worker does what the job leaves undone. Run it by hand as the database's owner, and read what it says:",
    policyNotRun: (job: string, due: string) =>
      `The job ${job} was due at ${due} and has not begun.`,
    policyNotRunRemedy:
      "Start TimescaleDB's background workers. If it happens again, raise timescaledb.max_background_workers and max_worker_processes.",
    policyOff: (job: string) => `The job ${job} is switched off.`,
    policyOffRemedy: "Switch it on, as the database's owner:",
    foundWrong: (day: string, at: string) =>
      `An audit found wrong numbers in the rollups of ${day}, at ${at}.`,
    foundWrongRemedy:
      "They are refreshed by force. If it happens again, something changes readings by SQL; look at the days around it:",
    auditOverdue: (at: string) => `The last audit was at ${at}.`,
    auditOverdueRemedy:
      "One should be made every 5 minutes. The worker's log says why there is none.",
    sessionsUsed: (used: string, most: string) =>
      `Of the ${most} connections that the database allows, ${used} are used.`,
    sessionsUsedRemedy: "Raise max_connections, or lower SENSORFLOW_DATABASE_POOL_SIZE.",
    importsFailed: (count: string) => `Imports that failed in the last 24 hours: ${count}.`,
    importsFailedRemedy:
      "See below why. Correct the file or the options and send it again, or retry.",
    partUnreadable: (part: string) => `A part could not be read: ${part}.`,
    partUnreadableRemedy:
      "The server's log says why (system_part_unreadable). This renews what its role may read:",
    toImports: "Go to the imports",
  },
  {
    schemaBehind: (revision, expected) =>
      `O banco de dados está na revisão ${revision}; esta versão precisa da ${expected}.`,
    schemaBehindRemedy:
      "Migre o banco de dados, como dono dele. Servidores e workers podem continuar durante a migração.",
    neverSeen: "Nenhum worker foi visto.",
    lastSeen: (time) => `Nenhum worker foi visto desde ${time}.`,
    importsWait: (count) => `Importações à espera de um: ${count}.`,
    workerAbsentRemedy:
      "Inicie um worker. As leituras são gravadas sem ele; importações e leituras atrasadas esperam.",
    rollupBehind: (rollup) => `${rollup} não foi atualizado como deveria.`,
    rollupBehindRemedy:
      "As respostas estão certas, porém mais lentas. Execute a tarefa como dono do banco e verifique se o TimescaleDB tem processos em segundo plano.",
    partialHoursBehind: (since, readings) =>
      `O que ainda não está nos agregados só foi somado até ${since}; leituras à espera: ${readings}.`,
    partialHoursBehindRemedy:
      "As respostas estão certas, porém mais lentas. O log do worker diz por quê, ou uma transação aberta há muito tempo impede o avanço:",
    rangesStale: (count, since) =>
      `Leituras atrasadas esperam pelos agregados desde ${since}; intervalos desatualizados: ${count}.`,
    rangesStaleRemedy:
      "O log do worker diz por que ele não as inclui. Verifique o que o papel dele pode fazer:",
    importsWaiting: (count, since) =>
      `Importações que nenhum worker assume: ${count}, a mais antiga desde ${since}.`,
    importsWaitingRemedy: "Os workers estão ocupados. Inicie mais um:",
    policyFailed: (job, times) => `A tarefa ${job} falhou. Falhas seguidas: ${times}.`,
    policyFailedWith: (job, times, error) =>
      `A tarefa ${job} falhou: ${error} (falhas seguidas: ${times})`,
    policyFailedRemedy:
      "Enquanto isso, um worker faz o que a tarefa deixa por fazer. Execute-a manualmente como dono do banco e leia o que ela diz:",
    policyNotRun: (job, due) => `A tarefa ${job} deveria ter começado em ${due}.`,
    policyNotRunRemedy:
      "Inicie os processos em segundo plano do TimescaleDB. Se acontecer de novo, aumente timescaledb.max_background_workers e max_worker_processes.",
    policyOff: (job) => `A tarefa ${job} está desativada.`,
    policyOffRemedy: "Ative-a, como dono do banco:",
    foundWrong: (day, at) =>
      `Uma auditoria encontrou números errados nos agregados de ${day}, em ${at}.`,
    foundWrongRemedy:
      "Eles são recalculados por completo. Se acontecer de novo, algo altera leituras por SQL; verifique os dias em volta:",
    auditOverdue: (at) => `A última auditoria foi em ${at}.`,
    auditOverdueRemedy:
      "Deveria haver uma a cada 5 minutos. O log do worker diz por que não há nenhuma.",
    sessionsUsed: (used, most) =>
      `Das ${most} conexões que o banco de dados permite, ${used} estão em uso.`,
    sessionsUsedRemedy: "Aumente max_connections ou diminua SENSORFLOW_DATABASE_POOL_SIZE.",
    importsFailed: (count) => `Importações que falharam nas últimas 24 horas: ${count}.`,
    importsFailedRemedy:
      "Veja o motivo abaixo. Corrija o arquivo ou as opções e envie de novo, ou repita a importação.",
    partUnreadable: (part) => `Uma parte não pôde ser lida: ${part}.`,
    partUnreadableRemedy:
      "O log do servidor diz por quê (system_part_unreadable). Isto renova o que o papel dele pode ler:",
    toImports: "Ir para as importações",
  },
);

export type FindingTexts = (typeof FINDINGS)["en"];
