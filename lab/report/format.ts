/** Numbers for people: grouped digits, sizes, ratios. */

/** 1234567 -> "1,234,567". */
export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** Bytes with a binary unit and at most one decimal: 1.5 MiB. */
export function bytes(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let scaled = value;
  while (scaled >= 1024 && unit < units.length - 1) {
    scaled /= 1024;
    unit++;
  }
  const digits = Number.isInteger(scaled) || scaled >= 100 ? 0 : 1;
  return `${scaled.toFixed(digits)} ${units[unit]!}`;
}

/** Share in percent of `whole`; "-" when there is no whole. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return "-";
  const value = (100 * part) / whole;
  return `${value.toFixed(value !== 0 && value < 10 ? 2 : 1)} %`;
}

/** value / base as a factor: 0.062x; "=" when both are equal, "-" when the base is 0. */
export function ratio(value: number, base: number): string {
  if (value === base) return "=";
  if (base === 0) return "-";
  const r = value / base;
  if (r > 0 && r < 0.0005) return "<.001x";
  return `${r >= 100 ? r.toFixed(0) : r >= 10 ? r.toFixed(1) : r >= 0.1 ? r.toFixed(2) : r.toFixed(3)}x`;
}

/** Seconds: 0.123 s. */
export function seconds(value: number): string {
  return `${value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 3)} s`;
}
