const DAY = 86_400;

/** A moment of a reading, or the time of a bucket from its start on, by the clock of a zone. */
export function momentText(
  seconds: number,
  bucketSeconds: number | null,
  formatting: string,
  timeZone: string,
): string {
  const start = new Date(seconds * 1000);
  if (bucketSeconds === null) return readingFormat(start, formatting, timeZone).format(start);
  if (bucketSeconds >= DAY - 7200) {
    return new Intl.DateTimeFormat(formatting, { dateStyle: "full", timeZone }).format(start);
  }
  const style = { dateStyle: "medium", timeStyle: "short", timeZone } as const;
  const end = new Date((seconds + bucketSeconds) * 1000);
  return new Intl.DateTimeFormat(formatting, style).formatRange(start, end);
}

/** With fractions of a second only where there are some. */
function readingFormat(moment: Date, formatting: string, timeZone: string): Intl.DateTimeFormat {
  if (moment.getMilliseconds() === 0) {
    return new Intl.DateTimeFormat(formatting, {
      dateStyle: "medium",
      timeStyle: "medium",
      timeZone,
    });
  }
  return new Intl.DateTimeFormat(formatting, {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
    timeZone,
  });
}
