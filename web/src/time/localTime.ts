/** A moment as an input of date and time has it, by the reader's clock. */
export function localText(moment: Date): string {
  const [year, month, day] = [moment.getFullYear(), moment.getMonth() + 1, moment.getDate()];
  const [hour, minute] = [moment.getHours(), moment.getMinutes()];
  return `${padded(year, 4)}-${padded(month)}-${padded(day)}T${padded(hour)}:${padded(minute)}`;
}

/** The moment that such a text names; null where it names none. */
export function momentOfLocalText(text: string): Date | null {
  const moment = new Date(text);
  return text === "" || Number.isNaN(moment.getTime()) ? null : moment;
}

function padded(number: number, digits = 2): string {
  return String(number).padStart(digits, "0");
}
