/** Whether the browser knows it as a time zone of the IANA database. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** The zone of the reader's own clock. */
export function ownTimeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** From Unix seconds to a Date whose local fields are what a clock of the zone shows. */
export function clockIn(timeZone: string): (seconds: number) => Date {
  if (timeZone === ownTimeZone()) return (seconds) => new Date(seconds * 1000);
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    calendar: "gregory",
    numberingSystem: "latn",
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  return (seconds) => {
    const moment = new Date(seconds * 1000);
    const parts = new Map(format.formatToParts(moment).map(({ type, value }) => [type, +value]));
    const field = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? 0;
    const [year, month, day] = [field("year"), field("month"), field("day")];
    const [hour, minute, second] = [field("hour"), field("minute"), field("second")];
    const milliseconds = moment.getUTCMilliseconds();
    return new Date(year, month - 1, day, hour, minute, second, milliseconds);
  };
}

/** Every time zone that this browser can write times in. */
export function allTimeZones(): string[] {
  return ["UTC", ...Intl.supportedValuesOf("timeZone")];
}
