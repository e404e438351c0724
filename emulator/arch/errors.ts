/**
 * The errors that may be thrown below lab/. What the guest may see is a value, never an exception.
 */

/** A broken invariant of the model itself, our BUG_ON. The message reads "function: what, with the values". */
export class ModelBug extends Error {
  override readonly name = "ModelBug";
}

/** The run reached something that foliolab does not model; says what and where. Never replaced by an invented value. */
export class NotModelled extends Error {
  override readonly name = "NotModelled";
}

/** What the user asked for cannot be: a bad option, file or combination. One line that names it; exit status 2. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Closes a switch over a union: unreachable if every case is handled. */
export function assertNever(value: never, where: string): never {
  throw new ModelBug(`${where}: unexpected ${JSON.stringify(value)}`);
}
