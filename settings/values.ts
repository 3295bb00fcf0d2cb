import { X509Certificate } from "node:crypto";
import { z } from "zod";

// what single values of a stack may be; each error says what is allowed

export const oneOf = <const T extends readonly string[]>(values: T) =>
  z.enum(values, { error: `one of ${values.join(", ")}` });

const dnsLabelText =
  "a DNS label: 1 to 63 of a-z, 0-9 and -, starting and ending with a letter or digit";
export const dnsLabel = z
  .string({ error: dnsLabelText })
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, { error: dnsLabelText });
// a Service's name must start with a letter (RFC 1035) and "-sa" has to fit behind it
const serviceNameText = "a DNS label that starts with a letter, at most 50 characters";
export const serviceName = z
  .string({ error: serviceNameText })
  .regex(/^[a-z]([-a-z0-9]{0,48}[a-z0-9])?$/, { error: serviceNameText });

const hostText = "a DNS name such as app.local, without scheme, port or wildcard";
export const dnsName = z
  .string({ error: hostText })
  .max(253, { error: hostText })
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)+$/, {
    error: hostText,
  });

export const portText = "a port from 1 to 65535";
export const port = z
  .int({ error: portText })
  .min(1, { error: portText })
  .max(65535, { error: portText });

const imageText =
  "an image with a tag or digest that is not :latest, such as registry.example/team/app:1.4.2";
export const image = z
  .string({ error: imageText })
  .regex(/^[a-z0-9][a-z0-9._/:-]*?(:[A-Za-z0-9_][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/, {
    error: imageText,
  })
  .refine((v) => /@sha256:|:[^/:]+$/.test(v) && !/:latest$/.test(v), { error: imageText });

const labelText = "a label value such as v1";
export const versionLabel = z
  .string({ error: labelText })
  .regex(/^[a-zA-Z0-9]([\w.-]{0,61}[a-zA-Z0-9])?$/, { error: labelText });

const durationText = "a duration of seconds or milliseconds such as 30s or 500ms";
export const duration = z
  .string({ error: durationText })
  .regex(/^[1-9]\d*(ms|s)$/, { error: durationText });

// Istio refuses another unit, and then does without its whole mesh config
const secondsText = "whole seconds such as 5s";
export const seconds = z
  .string({ error: secondsText })
  .regex(/^[1-9]\d*s$/, { error: secondsText });

const quantityText = "a Kubernetes quantity such as 50m or 64Mi";
// `cpu: 1` is a number in YAML
export const quantity = z.preprocess(
  (value) => (typeof value === "number" ? String(value) : value),
  z
    .string({ error: quantityText })
    .regex(/^\d+(\.\d+)?(m|k|Ki|M|Mi|G|Gi)?$/, { error: quantityText }),
);
export const resourceList = z.strictObject({
  cpu: quantity.optional(),
  memory: quantity.optional(),
});
export const resources = z.strictObject({
  requests: resourceList.optional(),
  limits: resourceList.optional(),
});

const countText = "a whole number from 1 to 100";
export const count = z
  .int({ error: countText })
  .min(1, { error: countText })
  .max(100, { error: countText });

export const prefixText =
  "a path such as /users: segments of letters, digits and -._~, none of them . or .., no slash at the end";
export const prefix = z
  .string({ error: prefixText })
  .regex(/^(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._~-]+)+$/, { error: prefixText });

const emptyText = "text that is not empty";
export const someText = z.string({ error: emptyText }).min(1, { error: emptyText });

const blockText = "an address or a block of addresses such as 203.0.113.0/24";
export const addressBlock = z.union([z.ipv4(), z.cidrv4(), z.ipv6(), z.cidrv6()], {
  error: blockText,
});

const bundleText = "certificates of CAs as PEM text (-----BEGIN CERTIFICATE-----…)";
/** One CA or several; they are public. */
export const caBundle = z.string({ error: bundleText }).refine(isCaBundle, { error: bundleText });

function isCaBundle(text: string): boolean {
  const block = /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs;
  const blocks = text.match(block) ?? [];
  try {
    return (
      blocks.length > 0 &&
      text.replaceAll(block, "").trim() === "" &&
      blocks.every((pem) => new X509Certificate(pem).ca)
    );
  } catch {
    return false;
  }
}
