// The JavaScript client of InfluxDB 2: asks for the server's state, writes points, then a wrong one.
// Arguments: the server's URL and a token. Prints one JSON object.

import { HttpError, InfluxDB, Point } from "@influxdata/influxdb-client";
import { HealthAPI, PingAPI, ReadyAPI } from "@influxdata/influxdb-client-apis";

const [, , url, token] = process.argv;
const influx = new InfluxDB({ url, token });

async function write(...records) {
  const api = influx.getWriteApi("any", "any", "ns", { gzipThreshold: 1, maxRetries: 0 });
  for (const record of records) {
    record instanceof Point ? api.writePoint(record) : api.writeRecord(record);
  }
  await api.close();
}

async function refusalOf(...records) {
  try {
    await write(...records);
  } catch (error) {
    return error instanceof HttpError ? [error.statusCode, error.message] : String(error);
  }
  return null;
}

await new PingAPI(influx).getPing();
const health = await new HealthAPI(influx).getHealth();
const ready = await new ReadyAPI(influx).getReady();
const time = new Date("2026-01-01T00:00:00Z");
await write(
  new Point("weather").tag("site", "J F,K").floatField("temp", 21.5).timestamp(time),
  new Point("weather").tag("site", "LGA").intField("temp", 20).booleanField("wet", true).timestamp(time),
);
const refusal = await refusalOf("bad");
process.stdout.write(JSON.stringify({ health: health.status, ready: ready.status, refusal }));
