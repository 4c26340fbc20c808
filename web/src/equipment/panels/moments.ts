/** When a row of the table is, by the clock of a zone: a day, or a time of it. */
export function rowTimes(
  kind: "day" | "bucket" | "reading",
  formatting: string,
  timeZone: string,
): (seconds: number) => string {
  const day = { year: "numeric", month: "2-digit", day: "2-digit", timeZone } as const;
  const minute = { ...day, hour: "2-digit", minute: "2-digit" } as const;
  const second = { ...minute, second: "2-digit" } as const;
  const styles = { day, bucket: minute, reading: second };
  const format = new Intl.DateTimeFormat(formatting, styles[kind]);
  if (kind !== "reading") return (seconds) => format.format(seconds * 1000);
  const precise = new Intl.DateTimeFormat(formatting, { ...second, fractionalSecondDigits: 3 });
  return (seconds) => (Number.isInteger(seconds) ? format : precise).format(seconds * 1000);
}

/** As spreadsheets of every country take a time. */
export function cellTimes(timeZone: string): (seconds: number) => string {
  const format = new Intl.DateTimeFormat("sv-SE", {
    dateStyle: "short",
    timeStyle: "medium",
    timeZone,
  });
  return (seconds) => format.format(seconds * 1000);
}
