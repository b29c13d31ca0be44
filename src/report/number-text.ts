/** Thin space, which groups digits and joins a number with its unit. */
const THIN = "\u202f";
const PREFIXES = ["", "k", "M", "G", "T"];
const MINUS = "\u2212";

/** 1234567 → "1 234 567" with thin spaces. */
export function wholeText(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/^-/, MINUS)
    .replace(/\B(?=(\d{3})+$)/g, THIN);
}

/** Three significant digits with a prefix: 5524000 → "5.52 M". */
export function countText(value: number): string {
  const power = value < 1000 ? 0 : Math.min(PREFIXES.length - 1, Math.floor(Math.log10(value) / 3));
  const digits = (value / 1000 ** power).toPrecision(3);
  return power === 0 ? String(Number(digits)) : `${digits}${THIN}${PREFIXES[power]}`;
}

/** Four significant digits: 0.00012345 → "1.234e-4". */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return "not finite";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(3).replace("-", MINUS).replace("e+", "e");
  return String(Number(value.toPrecision(4))).replace("-", MINUS);
}

/** 0.7243 → "72.4". */
export function percentText(share: number): string {
  return (100 * share).toFixed(1);
}

/** 3700 → "1 h 1 min"; below a minute "42 s". */
export function durationText(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (seconds < 60) return `${Math.round(seconds)}${THIN}s`;
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24];
  if (days > 0) return `${days}${THIN}d ${hours}${THIN}h`;
  return hours > 0 ? `${hours}${THIN}h ${minutes % 60}${THIN}min` : `${minutes}${THIN}min`;
}
