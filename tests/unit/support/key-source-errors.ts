import { row } from "./access-words.ts";
import { type ConfigError, setPath } from "./config-error.ts";

const fetched = { name: "bank", issuer: "https://issuer.bank", audiences: ["bank"] };

/** Keys of issuers that istiod would not fetch, or not read. */
export const keySources: readonly ConfigError[] = [
  row(
    { authentication: { issuers: [{ ...fetched, jwksUri: "https://127.0.0.1/keys" }] } },
    "authentication.issuers[0].jwksUri",
    '"https://127.0.0.1/keys"',
    "a URL that istiod fetches",
    setPath("authentication.issuers[0].jwksUri", "<value>"),
  ),
  row(
    { authentication: { issuers: [{ ...fetched, jwksUri: "https://169.254.169.254/keys" }] } },
    "authentication.issuers[0].jwksUri",
    '"https://169.254.169.254/keys"',
    "a URL that istiod fetches",
    setPath("authentication.issuers[0].jwksUri", "<value>"),
  ),
  row(
    { authentication: { issuers: [{ ...fetched, jwksUri: "https://[::1]/keys" }] } },
    "authentication.issuers[0].jwksUri",
    '"https://[::1]/keys"',
    "a URL that istiod fetches",
    setPath("authentication.issuers[0].jwksUri", "<value>"),
  ),
  row(
    { authentication: { issuers: [{ ...fetched, jwksUri: "https://localhost/keys" }] } },
    "authentication.issuers[0].jwksUri",
    '"https://localhost/keys"',
    "a URL that istiod fetches",
    setPath("authentication.issuers[0].jwksUri", "<value>"),
  ),
  row(
    { authentication: { issuers: [{ ...fetched, jwks: { keys: [] } }] } },
    "authentication.issuers[0].jwks",
    "set (not shown)",
    "the key set as text",
    setPath("authentication.issuers[0].jwks", "<value>"),
  ),
  ...["https://169.254.169.254", "https://localhost"].map((issuer) =>
    row(
      { authentication: { issuers: [{ ...fetched, issuer }] } },
      "authentication.issuers[0].issuer",
      JSON.stringify(issuer),
      "a URL that istiod fetches",
      setPath("authentication.issuers[0].issuer", "<value>"),
    ),
  ),
  row(
    {
      authentication: {
        issuers: [{ ...fetched, keyIds: ["k1"], claimHeaders: { "X-Role": "https://bank/role" } }],
      },
    },
    "authentication.issuers[0].claimHeaders.X-Role",
    '"https://bank/role"',
    "a claim that can be copied",
    setPath("authentication.issuers[0].claimHeaders.X-Role", "<value>"),
  ),
];
