/** One client's session: collects its messages to units, takes turns, passes on the answers. */
import { WINDOW_BYTES } from "./channel.mjs";
import { CopyInput } from "./copy-input.mjs";
import { DatabaseError, EngineCrashed } from "./engine.mjs";
import { ClientFraming } from "./framing.mjs";
import { log, warn } from "./log.mjs";
import { Outbox } from "./send_buffer.mjs";
import * as protocol from "./protocol.mjs";
import { Reply } from "./query_result.mjs";
import { ClientSettings } from "./settings.mjs";
import { ClientStatements } from "./statements.mjs";
import { UnitQueue } from "./message_batch.mjs";
import { Wishes } from "./listen_commands.mjs";

/** How long a running unit may go on when the server stops. */
export const SHUTDOWN_GRACE_MS = 3000;

const COPY_TYPES = new Set("dcf");
const MAY_CHANGE_SETTINGS = new Set(["SET", "RESET", "DISCARD ALL", "DO", "CALL"]);

/**
 * @typedef {import('./message_batch.mjs').Unit} Unit
 * @typedef {import('./framing.mjs').ClientMessage} ClientMessage
 */

export class Session {
  #backend;
  #socket;
  #outbox;
  #idleMs;
  #statements;
  #reply;
  #framing = new ClientFraming();
  #units = new UnitQueue();
  /** Messages up to the client's own Sync are skipped, as after any error in an extended query. */
  #skipping = false;
  /** Whether the engine is this client's until its transaction or its Sync. */
  #holding = false;
  #inTurn = false;
  /** The unit in the engine. @type {Unit | undefined} */ #current;
  #leaving = false;
  #stopping = false;
  #gone = false;
  #copyInput;
  #wishes = new Wishes();
  /** @type {() => void} */ #wake = () => {};
  /** @type {NodeJS.Timeout | undefined} */ #idleTimer;

  /**
   * @param {import('./backend.mjs').Backend} backend
   * @param {import('node:net').Socket} socket
   * @param {{pid: number, secret: number, defaults: Map<string, string>, idleMs: number}} client
   */
  constructor(backend, socket, { pid, secret, defaults, idleMs }) {
    this.#backend = backend;
    this.#socket = socket;
    this.#idleMs = idleMs;
    this.pid = pid;
    this.secret = secret;
    this.settings = new ClientSettings(defaults);
    this.#copyInput = new CopyInput(backend.engine);
    this.#statements = new ClientStatements(backend.statements, String(pid));
    this.#outbox = new Outbox(socket, idleMs, {
      drained: () => this.#schedule(),
      unread: () => this.#unread(),
    });
    this.#reply = new Reply(this.#audience());
    socket.on("close", () => this.#left());
  }

  /**
   * Puts the start-up settings in place, which proves them, and greets the client.
   * @param {Buffer[]} greeting sent in front of the rest
   */
  async start(greeting) {
    const turn = async () => {
      if (this.#gone) return;
      await this.#backend.settings.switchTo(this.settings);
      this.#outbox.write([...greeting, ...this.#welcome()]);
    };
    await this.#backend.turn(turn).catch((error) => this.#failed(error));
  }

  /** @param {Buffer} chunk from the client */
  receive(chunk) {
    if (this.#gone) return;
    try {
      for (const message of this.#framing.push(chunk)) if (!this.#leaving) this.#accept(message);
    } catch (error) {
      this.#failed(error);
    }
    this.#copyInput.flush();
    this.throttle();
  }

  /** Lets the client send no more than a window ahead of the engine. */
  throttle() {
    const ahead =
      this.#units.size +
      (this.#current ? this.#current.copyDataSize + this.#backend.engine.unconsumed : 0);
    if (ahead > WINDOW_BYTES) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  /** @param {Buffer} message a notification */
  deliver(message) {
    this.#outbox.write([message]);
  }

  /** A unit that runs is interrupted, one that still waits is answered without the engine. */
  cancel() {
    if (this.#current) this.#backend.engine.cancel();
    else if (!this.#holding && this.#units.hasUnit)
      this.#refuse(/** @type {Unit} */ (this.#units.shift()));
  }

  /** The server stops: a running unit has a moment to finish, everything else ends now. */
  shutDown() {
    this.#units.clear();
    this.#stopping = this.#leaving = true;
    if (!this.#current || this.#reply.copying) return this.#close();
    setTimeout(() => this.#socket.destroy(), SHUTDOWN_GRACE_MS);
  }

  /**
   * Tells the client why, if it is at a message border, and closes.
   * @param {string} code
   * @param {string} text
   */
  fatal(code, text) {
    if (this.#gone) return;
    if (!this.#reply.inMessage) this.#outbox.write([protocol.errorResponse("FATAL", code, text)]);
    this.#outbox.end();
    this.#left();
  }

  #welcome() {
    const { parameters } = this.#backend.engine;
    const statuses = [...parameters].map(([name, value]) => protocol.parameterStatus(name, value));
    const keys = protocol.backendKeyData(this.pid, this.secret);
    return [protocol.authenticationOk(), ...statuses, keys, protocol.readyForQuery("I")];
  }

  /** @returns {import('./query_result.mjs').Audience} */
  #audience() {
    return {
      confirmParse: () => this.#statements.confirm(),
      failed: () => this.#statements.fail(),
      copyStarted: () => this.#copyStarted(),
      notified: (message) => this.#backend.notifications.route(message, this, this.pid),
      timedOut: () => this.#backend.engine.timedOut,
    };
  }

  /** @param {ClientMessage} message */
  #accept(message) {
    if (COPY_TYPES.has(message.type)) return this.#acceptCopy(message);
    if (message.type === "X") return this.#leave();
    // Sync and Flush mean nothing in the middle of COPY, and native servers ignore them there.
    if (this.#reply.copying && "SH".includes(message.type)) return;
    if (this.#reply.copying)
      throw new protocol.ProtocolError("unexpected message during COPY from stdin");
    if (this.#units.add(message)) this.#schedule();
  }

  /**
   * Some clients send CopyData before they are asked for it, others after an error.
   * @param {ClientMessage} message
   */
  #acceptCopy(message) {
    if (this.#isFed) this.#feed(message);
    else (this.#units.hasUnit ? this.#units : this.#current)?.addCopyData(message);
  }

  /** @param {ClientMessage} message */
  #feed(message) {
    this.#copyInput.add(message);
    if (message.type !== "d") this.#reply.copying = false;
    if (this.#reply.copying) this.#startIdleTimer();
    else clearTimeout(this.#idleTimer);
  }

  #leave() {
    this.#leaving = true;
    if (this.#inTurn || this.#units.hasUnit) this.#wake();
    else this.#close();
  }

  #close() {
    if (this.#stopping)
      return this.fatal("57P01", "terminating connection due to administrator command");
    this.#outbox.end();
    this.#left();
  }

  /** @param {Unit} unit that waits */
  #refuse(unit) {
    const error = protocol.errorResponse(
      "ERROR",
      "57014",
      "canceling statement due to user request",
    );
    const isAnswered = unit.lastType !== "H" && unit.isAtBorder;
    this.#skipping = !isAnswered;
    this.#outbox.write(isAnswered ? [error, protocol.readyForQuery("I")] : [error]);
  }

  #schedule() {
    this.#wake();
    if (this.#inTurn || this.#gone || !this.#units.hasUnit || this.#outbox.full) return;
    this.#inTurn = true;
    void this.#backend
      .turn(() => this.#turn())
      .catch((error) => this.#failed(error))
      .finally(() => this.#afterTurn());
  }

  #afterTurn() {
    this.#inTurn = false;
    if (this.#leaving && !this.#units.hasUnit) this.#close();
    this.#schedule();
  }

  async #turn() {
    try {
      if (this.#gone) return;
      await this.#backend.settings.switchTo(this.settings);
      if (this.#units.hasUnit) await this.#runNext();
      while (this.#holding) await this.#runNext();
    } catch (error) {
      this.#failed(error);
      await this.#abandon().catch((reason) => warn("rolling back failed", reason));
    }
  }

  /** Runs the client's next unit, or rolls back if there will be none. */
  async #runNext() {
    const unit = await this.#nextUnit();
    if (!unit) await this.#abandon();
    else await this.#run(this.#skipping ? unit.afterSkipping() : unit);
  }

  /** @returns {Promise<Unit | undefined>} undefined when the client has gone */
  async #nextUnit() {
    if (this.#holding) this.#startIdleTimer();
    while (!this.#units.hasUnit && !this.#gone && !this.#leaving) {
      await new Promise((resolve) => (this.#wake = () => resolve(undefined)));
    }
    clearTimeout(this.#idleTimer);
    return this.#gone ? undefined : this.#units.shift();
  }

  /** @param {Unit} unit */
  async #run(unit) {
    const addSync = unit.onlyPrepares && !this.#holding;
    const bytes = this.#rewrite(unit);
    if (bytes.length === 0 || (addSync && bytes.length === 1)) return;
    this.#skipping = false;
    this.#reply.begin(addSync);
    this.#current = unit;
    await this.#execute(Buffer.concat(addSync ? [...bytes, protocol.sync()] : bytes));
    this.#skipping = this.#reply.failed;
    this.#holding = this.#reply.status !== "I";
    await this.#settle();
  }

  /** @param {Unit} unit */
  #rewrite({ messages }) {
    const notice = (/** @type {string} */ sql, parameters = "") => this.#notice(sql, parameters);
    return messages.flatMap((message) => this.#statements.rewrite(message, notice));
  }

  /** @param {Buffer} bytes */
  async #execute(bytes) {
    try {
      await this.#backend.engine.execute(bytes, (piece, taken, parameters) => {
        this.#outbox.write(this.#reply.receive(piece, parameters), taken);
      });
    } finally {
      this.#current = undefined;
      clearTimeout(this.#idleTimer);
      if (!this.#gone) this.throttle();
    }
  }

  /** Takes note of what the unit changed in the engine besides data. */
  async #settle() {
    const { tags, status } = this.#reply;
    this.#backend.noteTags(tags);
    this.#wishes.ran(tags);
    if (tags.some((tag) => MAY_CHANGE_SETTINGS.has(tag))) this.settings.stale = true;
    if (tags.includes("DISCARD ALL") || tags.includes("DEALLOCATE ALL")) this.#forgetStatements();
    if (status === "E") return;
    if (tags.includes("RESET") || tags.includes("DISCARD ALL")) await this.#restoreDefaults();
    if (status === "I") await this.#fulfilWishes();
  }

  async #restoreDefaults() {
    const isFinal = this.#reply.status === "I" && this.#reply.tags.at(-1) === "RESET";
    await this.#backend.settings.afterReset(this.settings, isFinal);
  }

  #forgetStatements() {
    this.#statements.clear();
    this.#backend.statements.clear();
  }

  async #fulfilWishes() {
    const wishes = this.#wishes.take();
    if (wishes.length > 0 && !this.#reply.sawError)
      await this.#backend.notifications.apply(this, wishes);
  }

  /** @param {string} sql that is about to run @param {string} parameters */
  #notice(sql, parameters) {
    this.settings.notice(sql, parameters);
    this.#backend.residue.notice(this, sql);
    this.#wishes.notice(sql);
  }

  /** Ends what the client has left open. */
  async #abandon() {
    const wasHolding = this.#holding;
    this.#holding = false;
    if (wasHolding) await this.#executeUnheard([protocol.sync(), protocol.query("ROLLBACK")]);
  }

  /** @param {Buffer[]} messages whose answer nobody wants */
  #executeUnheard(messages) {
    return this.#backend.engine.execute(Buffer.concat(messages), (_, taken) => taken());
  }

  /** @param {unknown} error */
  #failed(error) {
    if (error instanceof EngineCrashed) this.#holding = this.#reply.copying = false;
    const { code, message } = explain(error);
    this.fatal(code, message);
  }

  #copyStarted() {
    this.#startIdleTimer();
    this.#current?.takeCopyData().forEach((message) => this.#feed(message));
    this.#copyInput.flush();
    if (this.#gone && this.#isFed) this.#copyInput.fail(this.#framing.owed);
  }

  /** Whether the engine reads CopyData. */
  get #isFed() {
    return this.#reply.copying || this.#copyInput.inMessage;
  }

  #startIdleTimer() {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => this.#idled(), this.#idleMs);
  }

  /** It is not the client that is idle if the engine has not read yet what was sent. */
  #idled() {
    if (this.#current && this.#backend.engine.unconsumed > 0) this.#startIdleTimer();
    else this.fatal("25P03", "terminating connection due to idle-in-transaction timeout");
  }

  #unread() {
    log("warning", "a client does not read its results; closing its connection", { pid: this.pid });
    if (this.#current) this.#backend.engine.cancel();
    this.#socket.destroy();
  }

  #left() {
    if (this.#gone) return;
    this.#gone = true;
    clearTimeout(this.#idleTimer);
    if (this.#isFed) this.#copyInput.fail(this.#framing.owed);
    this.#wake();
    this.#socket.resume();
    void this.#backend
      .turn(() => this.#cleanUp())
      .catch((error) => warn("cleaning up failed", error));
  }

  /** Removes from the engine what belongs to nobody any more. */
  async #cleanUp() {
    const messages = this.#statements.closeAll();
    if (messages.length > 0) await this.#executeUnheard([...messages, protocol.sync()]);
    for (const sql of this.#backend.residue.leave(this)) await this.#backend.query(sql);
    if (this.#backend.notifications.has(this)) await this.#backend.notifications.leave(this);
  }
}

/** @param {unknown} error @returns {{code: string, message: string}} */
function explain(error) {
  if (error instanceof EngineCrashed || error instanceof DatabaseError) return error;
  if (error instanceof protocol.ProtocolError) return { code: "08P01", message: error.message };
  log("error", "a session failed", { at: error instanceof Error ? error.stack : String(error) });
  return { code: "XX000", message: String(error) };
}
