/** One wrong configuration and what the program says about it. */
export interface ConfigError {
  /** Values of the stack. */
  readonly raw: Record<string, unknown>;
  readonly key: string;
  /** The value as the message shows it. */
  readonly value: string;
  /** Part of what the message allows. */
  readonly allowed: string;
  readonly fix: string;
  /** Sources of the air-gapped route instead of the official ones. @default false */
  readonly airgap?: boolean;
}

export const set = (key: string, value: string) => `pulumi config set --stack dev ${key} ${value}`;
export const setPath = (key: string, value: string) => set(`--path 'bankmesh:${key}'`, value);
export const remove = (key: string) => `pulumi config rm --stack dev ${key}`;
export const removePath = (key: string) => remove(`--path 'bankmesh:${key}'`);

/** A wrong top-level value. */
export function top(
  key: string,
  wrong: unknown,
  value: string,
  allowed: string,
  example = "<value>",
): ConfigError {
  return { raw: { [key]: wrong }, key, value, allowed, fix: set(key, example) };
}

/** A value of a shape that no command sets. */
export function edited(key: string, wrong: unknown, allowed: string, edit: string): ConfigError {
  const fix = `in Pulumi.dev.yaml, write ${edit}`;
  return { raw: { [key]: wrong }, key, value: JSON.stringify(wrong), allowed, fix };
}

/** A wrong value inside one. */
export function nested(
  raw: Record<string, unknown>,
  key: string,
  value: string,
  allowed: string,
  example = "<value>",
): ConfigError {
  return { raw, key, value, allowed, fix: setPath(key, example) };
}

// what messages allow, in words
export const http = { port: 80, targetPort: 8080, protocol: "http" };
export const image = "an image with a tag or digest that is not :latest";
export const label = "a DNS label";
export const port = "a port from 1 to 65535";
