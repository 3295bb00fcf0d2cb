/** How long a certificate lives and how often it was renewed. */
export interface CertificateLife {
  /** End of validity, RFC 3339. */
  readonly validUntil: string;
  /** Times that it was renewed because its end came near. */
  readonly generation: number;
}

/** Lives by the certificate's role: root, server, client. */
export type CertificateLives = Readonly<Record<string, CertificateLife>>;

/**
 * The generation that a certificate should be of: one more than its last as soon as the window has begun.
 *
 * @param life as the last update left it; undefined for a certificate that is not made yet
 * @param windowHours hours before the end in which it is renewed
 * @param now point in time to judge at
 */
export function generation(
  life: CertificateLife | undefined,
  windowHours: number,
  now: Date,
): number {
  if (!life) return 0;
  const windowStart = Date.parse(life.validUntil) - windowHours * 3_600_000;
  return now.getTime() >= windowStart ? life.generation + 1 : life.generation;
}
