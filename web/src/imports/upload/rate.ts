/** So many bytes were sent at a moment (milliseconds). */
export interface Sample {
  moment: number;
  bytes: number;
}

const WINDOW_MS = 5000;

/** The samples with one more, without those that are too old to say how fast it goes now. */
export function withSample(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  const recent = samples.filter(({ moment }) => sample.moment - moment <= WINDOW_MS);
  return [...recent, sample];
}

/** Bytes per second over the samples; null while they say nothing. */
export function rateOf(samples: readonly Sample[]): number | null {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || last.moment <= first.moment) return null;
  const rate = (last.bytes - first.bytes) / ((last.moment - first.moment) / 1000);
  return rate > 0 ? rate : null;
}
