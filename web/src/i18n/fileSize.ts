const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;

/** In thousands of bytes, as file managers count: 950 bytes, 1.2 MB. */
export function fileSize(bytes: number, locale: string): string {
  const [value, unit] = scaled(bytes);
  const unitDisplay = unit === "byte" ? "long" : "short";
  const options = { style: "unit", unit, unitDisplay, maximumSignificantDigits: 3 } as const;
  return value.toLocaleString(locale, options);
}

export function bytesPerSecond(rate: number, locale: string): string {
  const [value, unit] = scaled(rate);
  return value.toLocaleString(locale, {
    style: "unit",
    unit: `${unit}-per-second`,
    maximumSignificantDigits: 3,
  });
}

function scaled(bytes: number): [number, (typeof UNITS)[number]] {
  const power = bytes < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  return [bytes / 1000 ** power, UNITS[power] ?? "byte"];
}
