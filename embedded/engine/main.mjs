/** TimescaleDB in WebAssembly for development, demos and tests, served to many clients at once. */
import { Backend } from "./backend.mjs";
import { startBackgroundJobs } from "./background-jobs.mjs";
import { ensureCluster, lockDataDirectory } from "./data-directory.mjs";
import { Engine } from "./engine.mjs";
import { announceReady, announceError, exitWithParent, stopWithParent } from "../supervision.mjs";
import { log, StartError } from "./log.mjs";
import { checkpoint, startMaintenance } from "./maintenance.mjs";
import { readOptions } from "./options.mjs";
import { findPackage, verifyPackage } from "./package.mjs";
import { Server } from "./server.mjs";
import { SHUTDOWN_GRACE_MS } from "./session.mjs";

/** @param {import('./options.mjs').Options} options */
async function run(options) {
  exitWithParent();
  const packageFolder = findPackage();
  verifyPackage(packageFolder);
  const unlock = lockDataDirectory(options.dataDir);
  process.on("exit", unlock);
  const backend = await startBackend(packageFolder, options.dataDir);
  const server = new Server(backend, options.idleInTransactionSeconds * 1000);
  const port = await server.listen(options.host, options.port);
  stopWithParent(() => stop(server, backend));
  startBackgroundJobs(backend, options.jobIntervalSeconds);
  startMaintenance(backend, options.maintenanceIntervalSeconds);
  log(
    "warning",
    "this engine is for development, demos and tests only; run production on native TimescaleDB",
  );
  announceReady({ port, pid: process.pid });
}

/** @param {string} packageFolder @param {string} dataDir */
async function startBackend(packageFolder, dataDir) {
  const cluster = await ensureCluster(dataDir, (folder) =>
    new Engine(packageFolder, folder).initdb(),
  );
  const engine = new Engine(packageFolder, cluster);
  await engine.start();
  return new Backend(engine);
}

/** @param {Server} server @param {Backend} backend */
async function stop(server, backend) {
  log("info", "stopping");
  server.shutDown();
  setTimeout(() => backend.engine.cancel(), SHUTDOWN_GRACE_MS);
  await backend.runExclusive(async () => {
    await checkpoint(backend);
    await backend.engine.stop();
  });
}

try {
  await run(readOptions(process.argv.slice(2)));
} catch (error) {
  announceError(
    error instanceof StartError ? error.code : "internal",
    error instanceof Error ? error.message : String(error),
  );
}
