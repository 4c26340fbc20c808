import assert from "node:assert/strict";
import { test } from "node:test";
import { FrontendDecoder, MAX_MESSAGE_BYTES, BackendDecoder } from "./framing.mjs";
import { message, ProtocolError, query, sync } from "./protocol.mjs";

/**
 * Pushes the bytes in pieces of a size.
 * @param {Buffer} bytes
 * @param {number} size
 * @returns {import('./framing.mjs').FrontendMessage[]}
 */
function decode(bytes, size) {
  const decoder = new FrontendDecoder();
  const messages = [];
  for (let at = 0; at < bytes.length; at += size)
    messages.push(...decoder.push(bytes.subarray(at, at + size)));
  return messages;
}

/**
 * @param {Buffer} bytes
 * @param {number} size
 * @param {(type: string, whole: Buffer) => Buffer | undefined} intercept
 */
function filter(bytes, size, intercept) {
  const decoder = new BackendDecoder("ZN");
  const parts = [];
  for (let at = 0; at < bytes.length; at += size)
    parts.push(...decoder.push(bytes.subarray(at, at + size), intercept));
  return Buffer.concat(parts);
}

for (const size of [1, 2, 4, 5, 6, 7, 1000]) {
  test(`frontend messages arrive whole in pieces of ${size}`, () => {
    const sent = [query("SELECT 1"), message("d", "QXSH"), sync(), query("")];
    const messages = decode(Buffer.concat(sent), size);
    assert.deepEqual(
      messages.map(({ bytes }) => bytes),
      sent,
    );
    assert.deepEqual(
      messages.map(({ type, last }) => type + last),
      ["Qtrue", "dtrue", "Strue", "Qtrue"],
    );
  });

  test(`backend messages are intercepted whole and passed unchanged in pieces of ${size}`, () => {
    const sent = Buffer.concat([
      message("D", "Z".repeat(50)),
      message("Z", "I"),
      message("C", "NNNN"),
      message("N", "x"),
    ]);
    /** @type {string[]} */ const intercepted = [];
    const got = filter(sent, size, (type, whole) => {
      intercepted.push(type);
      return whole;
    });
    assert.deepEqual(got, sent);
    assert.deepEqual(intercepted, ["Z", "N"]);
  });

  test(`backend messages are dropped and replaced in pieces of ${size}`, () => {
    const sent = Buffer.concat([
      message("D", "a"),
      message("N", "noise"),
      message("D", "b"),
      message("Z", "I"),
    ]);
    const got = filter(sent, size, (type) => (type === "N" ? undefined : message("Z", "T")));
    assert.deepEqual(got, Buffer.concat([message("D", "a"), message("D", "b"), message("Z", "T")]));
  });
}

test("a long CopyData is passed on in pieces whose content is never taken for messages", () => {
  const data = message("d", Buffer.alloc(300_000, "X"));
  const messages = decode(Buffer.concat([data, sync()]), 50_000);
  const pieces = messages.slice(0, -1);
  assert.ok(pieces.length > 1);
  assert.ok(pieces.every(({ type }) => type === "d"));
  assert.deepEqual(pieces.map(({ last }) => last).filter(Boolean), [true]);
  assert.deepEqual(Buffer.concat(pieces.map(({ bytes }) => bytes)), data);
  assert.equal(messages.at(-1)?.type, "S");
});

test("a CopyData passed on in part has a known number of missing bytes", () => {
  const decoder = new FrontendDecoder();
  const data = message("d", Buffer.alloc(300_000));
  const [piece] = [...decoder.push(data.subarray(0, 100_000))];
  assert.equal(piece?.last, false);
  assert.equal(decoder.missingCopyBytes, data.length - 100_000);
});

test("unknown types and impossible lengths are protocol errors", () => {
  const header = (/** @type {number} */ length) =>
    Buffer.concat([Buffer.from("Q"), Buffer.from(Uint32Array.of(length).buffer).reverse()]);
  for (const bytes of [
    message("y"),
    message("p", "x"),
    Buffer.alloc(5),
    header(3),
    header(MAX_MESSAGE_BYTES + 1),
  ]) {
    assert.throws(() => [...new FrontendDecoder().push(bytes)], ProtocolError);
  }
});

test("a message passed to the client in part is known to be incomplete", () => {
  const decoder = new BackendDecoder("Z");
  const row = message("D", "x".repeat(100));
  decoder.push(row.subarray(0, 50), (_, whole) => whole);
  assert.equal(decoder.inMessage, true);
  decoder.push(row.subarray(50), (_, whole) => whole);
  assert.equal(decoder.inMessage, false);
});
