/**
 * Schemas of what comes from outside: small functions that check a value and give it back, typed. Part of every
 * bundle and on the path of every payment, which is why it is no library (docs/decisions/0004).
 */

/** Gives the value back in its parsed form, or throws a `SchemaError`. */
export type Schema<T> = (value: unknown) => T;
export type Infer<S> = S extends Schema<infer T> ? T : never;

/** What is wrong with a value, and where in it. The text is safe to show: it quotes nothing of the value. */
export class SchemaError extends Error {
  override readonly name = "SchemaError";
  /** Field names and indexes from the outside in, for example `accepts[0].amount`. */
  path = "";

  /** Puts a step in front of the path. */
  at(step: string | number): this {
    const rest = this.path === "" || this.path.startsWith("[") ? this.path : `.${this.path}`;
    this.path = `${typeof step === "number" ? `[${step}]` : step}${rest}`;
    return this;
  }
}

/** Refuses a value, saying what is wrong with it: `must be …`. */
export function fail(problem: string): never {
  throw new SchemaError(problem);
}

/** What `parse` makes of a value; nothing when the schema refuses it. */
export function tryParse<T>(schema: Schema<T>, value: unknown): T | undefined {
  try {
    return schema(value);
  } catch (error) {
    if (error instanceof SchemaError) return undefined;
    throw error;
  }
}

/** @param check refuses a text by answering what is wrong with it. */
export function string(
  maxLength: number,
  check?: (text: string) => string | undefined,
): Schema<string> {
  return (value) => {
    if (typeof value !== "string") return fail("must be a string");
    if (value.length > maxLength) return fail(`must be at most ${maxLength} characters`);
    const problem = check?.(value);
    return problem === undefined ? value : fail(problem);
  };
}

export const boolean: Schema<boolean> = (value) =>
  typeof value === "boolean" ? value : fail("must be a boolean");

/** @param check refuses a number by answering what is wrong with it. */
export function number(check?: (value: number) => string | undefined): Schema<number> {
  return (value) => {
    if (typeof value !== "number") return fail("must be a number");
    const problem = check?.(value);
    return problem === undefined ? value : fail(problem);
  };
}

export function literal<const T extends string | number>(wanted: T): Schema<T> {
  return (value) => (value === wanted ? wanted : fail(`must be ${JSON.stringify(wanted)}`));
}

export function array<T>(item: Schema<T>, maxLength: number): Schema<T[]> {
  return (value) => {
    if (!Array.isArray(value)) return fail("must be an array");
    if (value.length > maxLength) return fail(`must have at most ${maxLength} entries`);
    return value.map((entry: unknown, index) => at(index, item, entry));
  };
}

/** An object of whatever. */
export const record: Schema<Record<string, unknown>> = (value) =>
  isObject(value) ? value : fail("must be an object");

/** An object of values of one kind. */
export function recordOf<T>(item: Schema<T>): Schema<Record<string, T>> {
  return (value) =>
    Object.fromEntries(
      Object.entries(record(value)).map(([key, entry]) => [key, at(key, item, entry)]),
    );
}

/** Another form of what a schema gave. */
export function map<A, B>(schema: Schema<A>, change: (value: A) => B): Schema<B> {
  return (value) => change(schema(value));
}

/** A field that may be absent. `null`, which Python and Go peers send for it, is absent too. */
export type Optional<T> = Schema<T | undefined> & { readonly isOptional: true };

export function optional<T>(schema: Schema<T>): Optional<T> {
  const parse = (value: unknown) =>
    value === undefined || value === null ? undefined : schema(value);
  return Object.assign(parse, { isOptional: true as const });
}

type Shape = Readonly<Record<string, Schema<unknown>>>;
type OptionalKeys<S extends Shape> = {
  [K in keyof S]: S[K] extends { isOptional: true } ? K : never;
}[keyof S];
type Fields<S extends Shape> = { [K in Exclude<keyof S, OptionalKeys<S>>]: Infer<S[K]> } & {
  [K in OptionalKeys<S>]?: Infer<S[K]>;
};

/** An object with these fields. Others are kept as they are: peers add fields, and what is echoed is echoed whole. */
export function object<S extends Shape>(
  shape: S,
): Schema<{ [K in keyof Fields<S>]: Fields<S>[K] } & { [key: string]: unknown }> {
  const fields = Object.entries(shape);
  return (value) => {
    const parsed: Record<string, unknown> = { ...record(value) };
    for (const [name, schema] of fields) {
      const field = at(name, schema, parsed[name]);
      if (field === undefined) delete parsed[name];
      else parsed[name] = field;
    }
    return parsed as Fields<S> & { [key: string]: unknown };
  };
}

function at<T>(step: string | number, schema: Schema<T>, value: unknown): T {
  try {
    return schema(value);
  } catch (error) {
    throw error instanceof SchemaError ? error.at(step) : error;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
