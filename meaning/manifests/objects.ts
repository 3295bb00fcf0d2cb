/** Where something stands. */
export interface Place {
  readonly file: string;
  /** Line of the object's first word, from 1. */
  readonly line: number;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Where a cluster made it; `null` where none did yet. */
  readonly creationTimestamp?: string | null;
}

/** An object of Kubernetes, as a manifest has it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly webhooks?: readonly Readonly<Record<string, unknown>>[];
  readonly place: Place;
}

/** Labels that an object asks others for. */
export type Labels = Readonly<Record<string, string>>;

/** Namespace of an object; Kubernetes' own where it names none. */
export function namespaceOf({ metadata }: Manifest): string {
  return metadata.namespace ?? "default";
}

/** Kind and name of an object, as people say it. */
export function nameOf(object: Manifest): string {
  const { kind, metadata } = object;
  return kind === "Namespace"
    ? `${kind} ${metadata.name}`
    : `${kind} ${namespaceOf(object)}/${metadata.name}`;
}

export function placeText({ file, line }: Place): string {
  return `${file}:${line}`;
}

/** Group of an API version; empty for Kubernetes' own. */
export function groupOf({ apiVersion }: Manifest): string {
  return apiVersion.includes("/") ? apiVersion.split("/")[0]! : "";
}

/** Whether all that a selector asks for is among the labels; one that asks for nothing takes all. */
export function selects(selector: Labels | undefined, labels: Labels): boolean {
  return Object.entries(selector ?? {}).every(([key, value]) => labels[key] === value);
}

/** Whether a Gateway asks for pods of these labels; one that asks for nothing configures none here. */
export function isChosen(selector: Labels | undefined, labels: Labels): boolean {
  return Object.keys(selector ?? {}).length > 0 && selects(selector, labels);
}
