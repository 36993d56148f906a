// The element types of tensors: how each is named in the protocol, read from JSON, joined, and written as JSON.

export type TensorData =
  | Float32Array
  | Float64Array
  | Float16Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | string[];

export type Datatype = {
  /** Its name in the Open Inference Protocol. */
  protocol: string;
  /** What a client is told that an element must be. */
  wanted: string;
  /** The index of the first value that does not fit, where there is one. */
  read(values: readonly unknown[]): TensorData | number;
  /** In this order, as one. */
  join(parts: readonly TensorData[], length: number): TensorData;
  /** One element as JSON; what JSON cannot say (NaN, infinities) is null. */
  write(data: TensorData, index: number): string;
};

const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
const uint64 = { min: 0n, max: 2n ** 64n - 1n };

/** By the number that ONNX gives a type (TensorProto.DataType); what is not here is not served. */
export const datatypes: Readonly<Record<number, Datatype>> = {
  1: floats("FP32", Float32Array, writeFloat32),
  2: integers("UINT8", Uint8Array, 0, 255),
  3: integers("INT8", Int8Array, -128, 127),
  4: integers("UINT16", Uint16Array, 0, 65_535),
  5: integers("INT16", Int16Array, -32_768, 32_767),
  6: integers("INT32", Int32Array, -(2 ** 31), 2 ** 31 - 1),
  7: wide("INT64", BigInt64Array, int64.min, int64.max),
  8: text(),
  9: booleans(),
  10: floats("FP16", Float16Array, writeFloat32),
  11: floats("FP64", Float64Array, String),
  12: integers("UINT32", Uint32Array, 0, 2 ** 32 - 1),
  13: wide("UINT64", BigUint64Array, uint64.min, uint64.max),
};

type Numbers = Exclude<TensorData, BigInt64Array | BigUint64Array | string[]>;
type NumbersConstructor = new (length: number) => Numbers;
type Wide = BigInt64Array | BigUint64Array;

function floats(
  protocol: string,
  Numbers: NumbersConstructor,
  writeFinite: (value: number) => string,
): Datatype {
  return {
    ...numbers(protocol, Numbers, (data, index) => {
      const value = data[index] ?? Number.NaN;
      return Number.isFinite(value) ? writeFinite(value) : "null";
    }),
    wanted: `a number that fits ${protocol}`,
    read(values) {
      const data = new Numbers(values.length);
      for (let index = 0; index < values.length; index += 1) {
        const value = values[index];
        if (typeof value !== "number" && typeof value !== "bigint") return index;
        data[index] = Number(value);
        if (!Number.isFinite(data[index])) return index; // it is finite as JSON, so it is too large
      }
      return data;
    },
  };
}

function integers(protocol: string, Numbers: NumbersConstructor, min: number, max: number): Datatype {
  return {
    ...numbers(protocol, Numbers, (data, index) => String(data[index])),
    wanted: `an integer from ${min} to ${max}`,
    read(values) {
      const data = new Numbers(values.length);
      for (let index = 0; index < values.length; index += 1) {
        const value = values[index];
        if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) return index;
        data[index] = value;
      }
      return data;
    },
  };
}

function booleans(): Datatype {
  return {
    ...numbers("BOOL", Uint8Array, (data, index) => (data[index] === 0 ? "false" : "true")),
    wanted: "true or false",
    read(values) {
      const odd = values.findIndex((value) => typeof value !== "boolean");
      return odd === -1 ? Uint8Array.from(values, (value) => (value === true ? 1 : 0)) : odd;
    },
  };
}

function numbers(
  protocol: string,
  Numbers: NumbersConstructor,
  write: (data: Numbers, index: number) => string,
): Pick<Datatype, "protocol" | "join" | "write"> {
  return {
    protocol,
    join(parts, length) {
      const data = new Numbers(length);
      let offset = 0;
      for (const part of parts as readonly Numbers[]) {
        data.set(part, offset);
        offset += part.length;
      }
      return data;
    },
    write: (data, index) => write(data as Numbers, index),
  };
}

function wide(protocol: string, Integers: new (length: number) => Wide, min: bigint, max: bigint): Datatype {
  return {
    protocol,
    wanted: `an integer from ${min} to ${max}`,
    read(values) {
      const data = new Integers(values.length);
      for (let index = 0; index < values.length; index += 1) {
        const value = values[index];
        if (typeof value !== "bigint" && !Number.isInteger(value)) return index;
        const integer = BigInt(value as bigint | number);
        if (integer < min || integer > max) return index;
        data[index] = integer;
      }
      return data;
    },
    join(parts, length) {
      const data = new Integers(length);
      let offset = 0;
      for (const part of parts as readonly Wide[]) {
        data.set(part, offset);
        offset += part.length;
      }
      return data;
    },
    write: (data, index) => String(data[index]),
  };
}

function text(): Datatype {
  return {
    protocol: "BYTES",
    wanted: "a string",
    read(values) {
      const odd = values.findIndex((value) => typeof value !== "string");
      return odd === -1 ? (values as string[]) : odd;
    },
    join: (parts) => (parts as readonly string[][]).flat(),
    write: (data, index) => JSON.stringify(data[index]),
  };
}

/** The shortest decimal that is this float32 again: 0.1, not 0.10000000149011612. */
function writeFloat32(value: number): string {
  for (const digits of [6, 7, 8]) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(Number(value.toPrecision(9)));
}
