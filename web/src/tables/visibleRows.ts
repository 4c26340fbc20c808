/** The rows of a long table that are drawn: those in sight and some around them. */
export interface VisibleRows {
  first: number;
  /** Before this one. */
  end: number;
}

const ROWS_AROUND = 10;

/** All rows are equally high, so where one stands follows from its number. */
export function visibleRows(
  count: number,
  rowHeight: number,
  scrollTop: number,
  height: number,
  around = ROWS_AROUND,
): VisibleRows {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - around);
  const end = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + around);
  return { first: Math.min(first, end), end };
}
