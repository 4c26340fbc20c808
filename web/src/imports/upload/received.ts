/** How the names of files end that the server imports; with gzip or Zstandard on top of text. */
const ENDING = /\.(?:(?:csv|tsv|txt)(?:\.gz|\.zst)?|zip|xlsx|parquet)$/i;

/** What a file dialog offers: it knows the last ending of a name only. */
export const ACCEPTED = ".csv,.tsv,.txt,.gz,.zst,.zip,.xlsx,.parquet";

export type Obstacle = "folder" | "empty" | "ending" | "repeated";

/** Something that is not sent, and why. */
export interface Refusal {
  name: string;
  obstacle: Obstacle;
}

export interface Received {
  file: File;
  isFolder: boolean;
}

/** What somebody dropped; a folder is told from a file by its entry alone. */
export function receivedOf(transfer: DataTransfer): Received[] {
  return [...transfer.items].flatMap((item) => {
    const file = item.getAsFile();
    return file === null ? [] : [{ file, isFolder: item.webkitGetAsEntry()?.isDirectory === true }];
  });
}

/** Those that are sent, and why the others are not. `present` are those that came before. */
export function sortOut(
  received: readonly Received[],
  present: readonly File[],
): { files: File[]; refusals: Refusal[] } {
  const files: File[] = [];
  const refusals: Refusal[] = [];
  for (const each of received) {
    const obstacle = obstacleOf(each, [...present, ...files]);
    if (obstacle === null) files.push(each.file);
    else refusals.push({ name: each.file.name, obstacle });
  }
  return { files, refusals };
}

function obstacleOf({ file, isFolder }: Received, present: readonly File[]): Obstacle | null {
  if (isFolder) return "folder";
  if (!ENDING.test(file.name)) return "ending";
  if (file.size === 0) return "empty";
  return present.some((other) => isSame(file, other)) ? "repeated" : null;
}

function isSame(one: File, other: File): boolean {
  return (
    one.name === other.name && one.size === other.size && one.lastModified === other.lastModified
  );
}
