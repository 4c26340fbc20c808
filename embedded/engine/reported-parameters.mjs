/** The settings that a server reports by ParameterStatus, at start-up and when they change. */

/** PostgreSQL's GUC_REPORT settings. */
const NAMES = [
  "application_name",
  "client_encoding",
  "DateStyle",
  "default_transaction_read_only",
  "in_hot_standby",
  "integer_datetimes",
  "IntervalStyle",
  "is_superuser",
  "scram_iterations",
  "server_encoding",
  "server_version",
  "session_authorization",
  "standard_conforming_strings",
  "TimeZone",
];

export class ReportedParameters {
  #readSetting;
  /** @type {Map<string, string>} */ #values = new Map();

  /** @param {(name: string) => string} readSetting */
  constructor(readSetting) {
    this.#readSetting = readSetting;
  }

  /** @returns {[string, string][]} those whose value is new since the last call */
  takeChanges() {
    /** @type {[string, string][]} */ const changes = [];
    for (const name of NAMES) {
      const value = this.#readSetting(name);
      if (this.#values.get(name) !== value) changes.push([name, value]);
      this.#values.set(name, value);
    }
    return changes;
  }
}
