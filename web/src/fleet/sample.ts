/** Three invented sensors over two months, for a first look: one stands out, one has fallen silent. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const LENGTH = 62 * DAY;
/** So long before now the sample has a reading every ten minutes, before it every hour. */
const FINE = 2 * DAY;
const STEP = 10 * MINUTE;

export interface SampleSensor {
  equipmentId: string;
  name: string;
  unit: string;
  location: string;
  expectedPeriodSeconds: number;
}

interface Source extends SampleSensor {
  /** At a moment, so long before now; null where there is no reading. */
  value: (moment: number, age: number) => number | null;
}

const SOURCES: readonly Source[] = [
  {
    equipmentId: "sample-cold-store",
    name: "Cold store",
    unit: "°C",
    location: "Sample: warehouse",
    expectedPeriodSeconds: 3600,
    // Somebody has left the door open for an hour.
    value: (moment, age) =>
      -18 + 0.6 * cycle(moment, HOUR * 3) + noise(moment) + 9 * Math.max(0, 1 - age / HOUR),
  },
  {
    equipmentId: "sample-office",
    name: "Office",
    unit: "°C",
    location: "Sample: office",
    expectedPeriodSeconds: 3600,
    value: (moment) => 21 + 1.8 * cycle(moment - 9 * HOUR, DAY) + 0.5 * noise(moment + 1),
  },
  {
    equipmentId: "sample-pump",
    name: "Pump",
    unit: "bar",
    location: "Sample: warehouse",
    expectedPeriodSeconds: 600,
    // It was off for three hours a day ago, and has sent nothing for the last three.
    value: (moment, age) =>
      age < 3 * HOUR || (age > 27 * HOUR && age < 30 * HOUR)
        ? null
        : 4.2 + 0.4 * cycle(moment, DAY) + 0.2 * noise(moment + 2),
  },
];

export const SAMPLE_SENSORS: readonly SampleSensor[] = SOURCES;

/** The sample up to now as a file to import; made again it has the same values where times are the same. */
export function sampleCsv(now: Date): string {
  const end = Math.floor(now.getTime() / STEP) * STEP;
  const lines = ["equipmentId,timestamp,value"];
  for (let moment = end - LENGTH; moment <= end; moment += STEP) {
    const age = end - moment;
    if (age > FINE && moment % HOUR !== 0) continue;
    const timestamp = new Date(moment).toISOString();
    for (const { equipmentId, value } of SOURCES) {
      const measured = value(moment, age);
      if (measured !== null) lines.push(`${equipmentId},${timestamp},${measured.toFixed(2)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function cycle(moment: number, period: number): number {
  return Math.sin((2 * Math.PI * moment) / period);
}

/** Between -1 and 1, as if by chance, but always the same at the same moment. */
function noise(moment: number): number {
  const scrambled = Math.sin((moment / MINUTE) * 12.9898) * 43_758.5453;
  return 2 * (scrambled - Math.floor(scrambled)) - 1;
}
