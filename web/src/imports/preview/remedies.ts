import type { PreviewTexts } from "./messages.ts";
import type { Options, Remedy } from "./options.ts";

const MARKS: Readonly<
  Record<string, keyof PreviewTexts & ("comma" | "semicolon" | "tab" | "pipe")>
> = { ",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe" };

/** A time format in words where it is a count, else its pattern. */
export function describeFormat(format: string, text: PreviewTexts): string {
  const known: Record<string, string> = {
    iso8601: text.iso8601,
    epoch_s: text.epoch_s,
    epoch_ms: text.epoch_ms,
    epoch_us: text.epoch_us,
    epoch_ns: text.epoch_ns,
  };
  return known[format] ?? format;
}

/** What the button of a remedy says. */
export function describeRemedy(
  { option, value }: Remedy,
  options: Options,
  text: PreviewTexts,
  nameOf: (option: string) => string,
): string {
  switch (option) {
    case "timeFormat":
      return text.readAs(describeFormat(String(value), text));
    case "decimal":
      return value === "," ? text.commaFraction : text.pointFraction;
    case "hour24":
      return text.nextDay;
    case "encoding":
      return text.decode(String(value));
    case "skipLines":
      return text.skipFirst(String(value));
    case "delimiter":
      return text.separate(text[MARKS[String(value)] ?? "comma"]);
    case "commentPrefix":
      return text.passOver(String(value));
    case "columns":
      return describeColumns(value as Options["columns"], options, text);
    default:
      return text.setOption(nameOf(option), String(value));
  }
}

/** The one column that is another. */
function describeColumns(
  columns: Options["columns"],
  options: Options,
  text: PreviewTexts,
): string {
  const changed = Object.entries(columns ?? {}).filter(
    ([role, name]) => String(options.columns?.[role] ?? "") !== String(name),
  );
  return changed
    .map(([role, name]) => text.takeColumn([name].flat().join(" + "), roleName(role, text)))
    .join(", ");
}

export function roleName(role: string, text: PreviewTexts): string {
  const names: Record<string, string> = {
    equipmentId: text.equipmentId,
    timestamp: text.timestamp,
    timeOfDay: text.timeOfDay,
    value: text.value,
    sensor: text.sensor,
    unread: text.unread,
  };
  return names[role] ?? role;
}
