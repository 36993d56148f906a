// Decimal numbers as they are written: compared digit by digit, since a binary fraction loses what a gate turns on.

/** `-0.9e-3`, `.5`, `7.`; never NaN or Infinity. */
export const decimalPattern = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?$/;

const longest = 1_000;

export function isDecimal(text: string): boolean {
  return text.length <= longest && decimalPattern.test(text);
}

/**
 * Below 0, 0 or above 0, as `one` is less than `other`, equal or greater.
 * @throws Error for a text that is no decimal
 */
export function compareDecimals(one: string, other: string): number {
  const [a, b] = [parse(one), parse(other)];
  const places = Math.max(a.places, b.places);
  const [left, right] = [scale(a, places), scale(b, places)];
  return left === right ? 0 : left < right ? -1 : 1;
}

/** `digits` divided by ten to the power of `places`. */
type Decimal = { digits: bigint; places: number };

function parse(text: string): Decimal {
  if (!isDecimal(text)) throw new Error(`${text} is no decimal number`);
  const [mantissa = "", exponent = "0"] = text.toLowerCase().split("e");
  const [whole = "", fraction = ""] = mantissa.replace(/^[+-]/, "").split(".");
  const digits = BigInt(`${whole}${fraction}`);
  return {
    digits: mantissa.startsWith("-") ? -digits : digits,
    places: fraction.length - Number(exponent),
  };
}

function scale({ digits, places }: Decimal, wanted: number): bigint {
  return digits * 10n ** BigInt(wanted - places);
}
