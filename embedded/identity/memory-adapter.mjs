/**
 * Stores the provider's sessions, codes and refresh tokens in memory, so a restart signs everyone
 * out. Access tokens are signed JWTs and not stored, so they survive one.
 */

/**
 * @typedef {import("oidc-provider").Adapter} Adapter
 * @typedef {import("oidc-provider").AdapterPayload} Payload
 */

/** The longest delay of a Node timer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * A factory of stores, one per model, all of which drop their entries of a revoked grant.
 * @returns {import("oidc-provider").AdapterFactory}
 */
export function memoryAdapter() {
  /** @type {Map<string, MemoryStore>} */
  const stores = new Map();
  return (model) => {
    const store = stores.get(model) ?? new MemoryStore(stores);
    stores.set(model, store);
    return store;
  };
}

/** @implements {Adapter} */
class MemoryStore {
  /** @type {Map<string, {payload: Payload, timer: NodeJS.Timeout}>} */
  #entries = new Map();
  #stores;

  /** @param {Map<string, MemoryStore>} stores */
  constructor(stores) {
    this.#stores = stores;
  }

  /**
   * @param {string} id
   * @param {Payload} payload
   * @param {number} expiresInSeconds
   */
  async upsert(id, payload, expiresInSeconds) {
    clearTimeout(this.#entries.get(id)?.timer);
    const delay = Math.min(expiresInSeconds * 1000, MAX_TIMER_MS);
    const timer = setTimeout(() => this.#entries.delete(id), delay).unref();
    this.#entries.set(id, { payload, timer });
  }

  /** @param {string} id */
  async find(id) {
    return this.#entries.get(id)?.payload;
  }

  /** @param {string} uid */
  async findByUid(uid) {
    return this.#payloads().find((payload) => payload.uid === uid);
  }

  /** @param {string} userCode */
  async findByUserCode(userCode) {
    return this.#payloads().find((payload) => payload.userCode === userCode);
  }

  /** @param {string} id */
  async consume(id) {
    const payload = await this.find(id);
    if (payload) payload.consumed = Math.floor(Date.now() / 1000);
  }

  /** @param {string} id */
  async destroy(id) {
    clearTimeout(this.#entries.get(id)?.timer);
    this.#entries.delete(id);
  }

  /** @param {string} grantId */
  async revokeByGrantId(grantId) {
    for (const store of this.#stores.values()) store.#destroyGrant(grantId);
  }

  /** @param {string} grantId */
  #destroyGrant(grantId) {
    for (const [id, { payload }] of this.#entries) {
      if (payload.grantId === grantId) this.destroy(id);
    }
  }

  #payloads() {
    return [...this.#entries.values()].map((entry) => entry.payload);
  }
}
