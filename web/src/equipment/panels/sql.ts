import type { Shown } from "../shown.ts";
import { endOf } from "./requests.ts";

interface Range {
  from: string;
  to: string;
}

/** Time in the views, so that no more of it is read than a bucket at the end may need. */
const LONGEST_BUCKET: Record<Shown["aggregates"]["resolution"], string> = {
  "1m": "1 minute",
  "5m": "5 minutes",
  "15m": "15 minutes",
  "1h": "2 hours",
  "1d": "2 days",
};

/** Statements over the schema bi that return the same numbers, by functions of PostgreSQL alone:
 * a BI tool's login finds no others. */
export function sqlSnippet(shown: Shown): string {
  const { view, aggregates, readings } = shown;
  const equipment = `equipment_id IN (${view.equipmentIds.map(sqlText).join(", ")})`;
  if (readings !== null)
    return readingsStatement(equipment, {
      from: aggregates.from,
      to: endOf(shown),
    });
  const statement = (range: Range) => bucketsStatement(equipment, range, aggregates);
  if (aggregates.compared === undefined) return statement(aggregates);
  return `${statement(aggregates)}\n-- What it is compared with:\n${statement(aggregates.compared)}`;
}

function readingsStatement(equipment: string, range: Range): string {
  return `SELECT time, equipment_id, value, register_time
FROM bi.readings
WHERE ${equipment}
  AND ${within("time", range)}
ORDER BY time, equipment_id COLLATE "C";
`;
}

function bucketsStatement(
  equipment: string,
  range: Range,
  { resolution, tz }: Shown["aggregates"],
): string {
  const isRollup = (resolution === "1h" || resolution === "1d") && (tz ?? "UTC") === "UTC";
  if (isRollup) return rollupStatement(equipment, range, `bi.readings_${resolution}`);
  return readingsInBuckets(equipment, range, bucketOf(resolution, tz), LONGEST_BUCKET[resolution]);
}

function rollupStatement(equipment: string, range: Range, view: string): string {
  return `SELECT time, equipment_id, total_value, sample_count, average, minimum, maximum, first, last
FROM ${view}
WHERE ${equipment}
  AND ${within("time", range)}
ORDER BY time, equipment_id COLLATE "C";
`;
}

function readingsInBuckets(
  equipment: string,
  range: Range,
  bucket: string,
  longest: string,
): string {
  return `SELECT *
FROM (
  SELECT
    ${bucket} AS time,
    equipment_id,
    sum(value) AS total_value,
    count(*) AS sample_count,
    sum(value) / count(*) AS average,
    min(value) AS minimum,
    max(value) AS maximum,
    (array_agg(value ORDER BY readings.time))[1] AS first,
    (array_agg(value ORDER BY readings.time DESC))[1] AS last
  FROM bi.readings
  WHERE ${equipment}
    AND readings.time >= ${sqlText(range.from)}
    AND readings.time < timestamptz ${sqlText(range.to)} + interval '${longest}'
  GROUP BY 1, equipment_id
) AS buckets
WHERE ${within("time", range)}
ORDER BY time, equipment_id COLLATE "C";
`;
}

/** Minutes are the same in every zone that is used today; hours and days begin as its clock says. */
function bucketOf(resolution: Shown["aggregates"]["resolution"], tz: string | undefined): string {
  if (resolution === "1h" || resolution === "1d") {
    const unit = resolution === "1h" ? "hour" : "day";
    return `date_trunc('${unit}', readings.time, ${sqlText(tz ?? "UTC")})`;
  }
  return `date_bin('${LONGEST_BUCKET[resolution]}', readings.time, '2000-01-01T00:00:00Z')`;
}

function within(column: string, { from, to }: Range): string {
  return `${column} >= ${sqlText(from)} AND ${column} < ${sqlText(to)}`;
}

function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
