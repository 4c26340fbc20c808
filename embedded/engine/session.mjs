/** One client's session: batches its messages, queues for the engine, passes on the responses. */
import { CopyInput } from "./copy-input.mjs";
import { DatabaseError, EngineCrashed } from "./engine.mjs";
import { FrontendDecoder } from "./framing.mjs";
import { log, warn } from "./log.mjs";
import { MessageBatchQueue } from "./message-batch.mjs";
import * as protocol from "./protocol.mjs";
import { ResponseFilter } from "./response-filter.mjs";
import { SendBuffer } from "./send-buffer.mjs";
import { SessionState } from "./session-state.mjs";
import { WINDOW_BYTES } from "./worker-channel.mjs";

/** How long a running batch may go on when the server shuts down. */
export const SHUTDOWN_GRACE_MS = 3000;

/** CopyData, CopyDone, CopyFail. */
const COPY_TYPES = new Set("dcf");

/**
 * @typedef {import('./message-batch.mjs').MessageBatch} MessageBatch
 * @typedef {import('./framing.mjs').FrontendMessage} FrontendMessage
 *
 * @typedef {object} SessionOptions
 * @property {number} pid of the BackendKeyData, which a CancelRequest repeats
 * @property {number} secret likewise
 * @property {Map<string, string>} defaults the settings of the StartupMessage
 * @property {number} idleTimeoutMs after which a client that holds the engine is closed
 */

export class Session {
  #backend;
  #socket;
  #sendBuffer;
  #idleTimeoutMs;
  #state;
  #response;
  #decoder = new FrontendDecoder();
  #batches = new MessageBatchQueue();
  /** Messages up to the client's own Sync are skipped, as after any error in an extended query. */
  #skipping = false;
  /** Whether the engine is this client's until its transaction ends or its Sync. */
  #holdsEngine = false;
  /** Whether the session waits for the engine or has it. */ #scheduled = false;
  /** The batch in the engine. @type {MessageBatch | undefined} */ #running;
  /** Whether the client gets no more service after its complete batches. */ #terminating = false;
  #shuttingDown = false;
  #closed = false;
  #copyInput;
  /** Ends the wait for the client's next batch. @type {() => void} */ #wake = () => {};
  /** @type {NodeJS.Timeout | undefined} */ #idleTimer;

  /**
   * @param {import('./backend.mjs').Backend} backend
   * @param {import('node:net').Socket} socket
   * @param {SessionOptions} options
   */
  constructor(backend, socket, { pid, secret, defaults, idleTimeoutMs }) {
    this.#backend = backend;
    this.#socket = socket;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.pid = pid;
    this.secret = secret;
    this.#copyInput = new CopyInput(backend.engine);
    this.#state = new SessionState(backend, this, defaults);
    this.#sendBuffer = new SendBuffer(socket, idleTimeoutMs, {
      drained: () => this.#schedule(),
      stalled: () => this.#onStalled(),
    });
    this.#response = new ResponseFilter(this.#responseHandlers());
    socket.on("close", () => this.#onClose());
  }

  /**
   * Applies the settings of the StartupMessage, which validates them, and completes the start-up.
   * @param {string} user
   * @param {Buffer[]} messages sent in front of the response
   */
  async start(user, messages) {
    const respond = async () => {
      if (this.#closed) return;
      await this.#state.setUser(user);
      await this.#state.applySettings();
      this.#sendBuffer.write([...messages, ...this.#startupResponse()]);
    };
    await this.#backend.runExclusive(respond).catch((error) => this.#fail(error));
  }

  /** @param {Buffer} chunk from the client */
  receive(chunk) {
    if (this.#closed) return;
    try {
      for (const message of this.#decoder.push(chunk))
        if (!this.#terminating) this.#accept(message);
    } catch (error) {
      this.#fail(error);
    }
    this.#copyInput.flush();
    this.throttle();
  }

  /** Pauses the socket while the client is more than a window ahead of the engine. */
  throttle() {
    const inFlightBytes = this.#running
      ? this.#running.copyDataSize + this.#backend.engine.unreadBytes
      : 0;
    if (this.#batches.size + inFlightBytes > WINDOW_BYTES) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  /** @param {Buffer} message NotificationResponse */
  deliver(message) {
    this.#sendBuffer.write([message]);
  }

  /** A CancelRequest: interrupts the running batch, or rejects one that waits for the engine. */
  cancel() {
    if (this.#running) this.#backend.engine.cancel();
    else if (!this.#holdsEngine && this.#batches.hasBatch)
      this.#rejectWaiting(/** @type {MessageBatch} */ (this.#batches.shift()));
  }

  /** Gives the running batch a time limit; everything else ends now. */
  shutDown() {
    this.#batches.clear();
    this.#shuttingDown = this.#terminating = true;
    if (!this.#running || this.#response.copyingIn) return this.#close();
    setTimeout(() => this.#socket.destroy(), SHUTDOWN_GRACE_MS);
  }

  /**
   * Sends a FATAL error, unless the client has a message only in part, and closes.
   * @param {string} code
   * @param {string} text
   */
  fatal(code, text) {
    if (this.#closed) return;
    if (!this.#response.inMessage)
      this.#sendBuffer.write([protocol.errorResponse("FATAL", code, text)]);
    this.#sendBuffer.end();
    this.#onClose();
  }

  #startupResponse() {
    const { parameters } = this.#backend.engine;
    const statuses = [...parameters].map(([name, value]) => protocol.parameterStatus(name, value));
    const keyData = protocol.backendKeyData(this.pid, this.secret);
    return [protocol.authenticationOk(), ...statuses, keyData, protocol.readyForQuery("I")];
  }

  /** @returns {import('./response-filter.mjs').ResponseHandlers} */
  #responseHandlers() {
    return {
      parseComplete: () => this.#state.parseComplete(),
      errorResponse: () => this.#state.errorResponse(),
      copyInResponse: () => this.#onCopyInResponse(),
      notificationResponse: (message) =>
        this.#backend.notifications.route(message, this, this.pid),
      timedOut: () => this.#backend.engine.timedOut,
    };
  }

  /** @param {FrontendMessage} message */
  #accept(message) {
    if (COPY_TYPES.has(message.type)) return this.#acceptCopyData(message);
    if (message.type === "X") return this.#terminate();
    // Sync and Flush mean nothing in the middle of COPY, and native servers ignore them there.
    if (this.#response.copyingIn && "SH".includes(message.type)) return;
    if (this.#response.copyingIn)
      throw new protocol.ProtocolError("unexpected message during COPY from stdin");
    if (this.#batches.add(message)) this.#schedule();
  }

  /**
   * Some clients send CopyData before the CopyInResponse, others after an error.
   * @param {FrontendMessage} message
   */
  #acceptCopyData(message) {
    if (this.#readsCopyData) this.#sendCopyData(message);
    else (this.#batches.hasBatch ? this.#batches : this.#running)?.addCopyData(message);
  }

  /** @param {FrontendMessage} message */
  #sendCopyData(message) {
    this.#copyInput.add(message);
    if (message.type !== "d") this.#response.copyingIn = false;
    if (this.#response.copyingIn) this.#startIdleTimer();
    else clearTimeout(this.#idleTimer);
  }

  /** The client has sent Terminate; what it sent before is still executed. */
  #terminate() {
    this.#terminating = true;
    if (this.#scheduled || this.#batches.hasBatch) this.#wake();
    else this.#close();
  }

  #close() {
    if (this.#shuttingDown)
      return this.fatal("57P01", "terminating connection due to administrator command");
    this.#sendBuffer.end();
    this.#onClose();
  }

  /** @param {MessageBatch} batch that waits for the engine and is cancelled */
  #rejectWaiting(batch) {
    const error = protocol.errorResponse(
      "ERROR",
      "57014",
      "canceling statement due to user request",
    );
    const endsQuery = batch.lastType !== "H" && batch.hasEnd;
    this.#skipping = !endsQuery;
    this.#sendBuffer.write(endsQuery ? [error, protocol.readyForQuery("I")] : [error]);
  }

  #schedule() {
    this.#wake();
    if (this.#scheduled || this.#closed || !this.#batches.hasBatch || this.#sendBuffer.isFull)
      return;
    this.#scheduled = true;
    void this.#backend
      .runExclusive(() => this.#runScheduled())
      .catch((error) => this.#fail(error))
      .finally(() => this.#afterRun());
  }

  #afterRun() {
    this.#scheduled = false;
    if (this.#terminating && !this.#batches.hasBatch) this.#close();
    this.#schedule();
  }

  /** Runs one batch, and those after it while the client holds the engine. */
  async #runScheduled() {
    try {
      if (this.#closed) return;
      await this.#state.applySettings();
      if (this.#batches.hasBatch) await this.#runNextBatch();
      while (this.#holdsEngine) await this.#runNextBatch();
    } catch (error) {
      this.#fail(error);
      await this.#rollBack().catch((reason) => warn("rolling back failed", reason));
    }
  }

  /** Runs the client's next batch, or rolls back if there will be none. */
  async #runNextBatch() {
    const batch = await this.#nextBatch();
    if (!batch) await this.#rollBack();
    else await this.#run(this.#skipping ? batch.afterSkipping() : batch);
  }

  /** @returns {Promise<MessageBatch | undefined>} undefined when the client has disconnected */
  async #nextBatch() {
    if (this.#holdsEngine) this.#startIdleTimer();
    while (!this.#batches.hasBatch && !this.#closed && !this.#terminating) {
      await new Promise((resolve) => (this.#wake = () => resolve(undefined)));
    }
    clearTimeout(this.#idleTimer);
    return this.#closed ? undefined : this.#batches.shift();
  }

  /** @param {MessageBatch} batch */
  async #run(batch) {
    const addSync = batch.onlyPrepares && !this.#holdsEngine;
    const messages = this.#state.rewrite(batch);
    if (messages.length === 0 || (addSync && messages.length === 1)) return;
    this.#skipping = false;
    this.#response.begin(addSync);
    this.#running = batch;
    await this.#execute(Buffer.concat(addSync ? [...messages, protocol.sync()] : messages));
    this.#skipping = this.#response.awaitsSync;
    this.#holdsEngine = this.#response.status !== "I";
    await this.#state.update(this.#response);
  }

  /** @param {Buffer} bytes */
  async #execute(bytes) {
    try {
      await this.#backend.engine.execute(bytes, (piece, acknowledge, changedParameters) => {
        this.#sendBuffer.write(this.#response.receive(piece, changedParameters), acknowledge);
      });
    } finally {
      this.#running = undefined;
      clearTimeout(this.#idleTimer);
      if (!this.#closed) this.throttle();
    }
  }

  /** Ends the transaction and the extended query that the client has left open. */
  async #rollBack() {
    const heldEngine = this.#holdsEngine;
    this.#holdsEngine = false;
    if (heldEngine)
      await this.#backend.executeDiscarding([protocol.sync(), protocol.query("ROLLBACK")]);
  }

  /** @param {unknown} error that ends the session */
  #fail(error) {
    if (error instanceof EngineCrashed) this.#holdsEngine = this.#response.copyingIn = false;
    const { code, message } = toFatalError(error);
    this.fatal(code, message);
  }

  #onCopyInResponse() {
    this.#startIdleTimer();
    this.#running?.takeCopyData().forEach((message) => this.#sendCopyData(message));
    this.#copyInput.flush();
    if (this.#closed) this.#failCopy();
  }

  /** Ends a COPY FROM STDIN whose client has disconnected. */
  #failCopy() {
    if (this.#readsCopyData) this.#copyInput.fail(this.#decoder.missingCopyBytes);
  }

  /** Whether the engine reads CopyData. */
  get #readsCopyData() {
    return this.#response.copyingIn || this.#copyInput.inMessage;
  }

  #startIdleTimer() {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => this.#onIdleTimeout(), this.#idleTimeoutMs);
  }

  /** The client is not idle if the engine has not read yet what it sent. */
  #onIdleTimeout() {
    if (this.#running && this.#backend.engine.unreadBytes > 0) this.#startIdleTimer();
    else this.fatal("25P03", "terminating connection due to idle-in-transaction timeout");
  }

  #onStalled() {
    log("warning", "a client does not read its results; closing its connection", { pid: this.pid });
    if (this.#running) this.#backend.engine.cancel();
    this.#socket.destroy();
  }

  #onClose() {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#idleTimer);
    this.#failCopy();
    this.#wake();
    this.#socket.resume();
    void this.#backend
      .runExclusive(() => this.#state.cleanUp())
      .catch((error) => warn("cleaning up failed", error));
  }
}

/** @param {unknown} error @returns {{code: string, message: string}} */
function toFatalError(error) {
  if (error instanceof EngineCrashed || error instanceof DatabaseError) return error;
  if (error instanceof protocol.ProtocolError) return { code: "08P01", message: error.message };
  log("error", "a session failed", { at: error instanceof Error ? error.stack : String(error) });
  return { code: "XX000", message: String(error) };
}
