/** TLS settings of a client, as far as they decide who gets through. */
export interface ClientTlsSettings {
  readonly mode?: string;
}

export interface TrafficPolicy {
  readonly tls?: ClientTlsSettings;
  readonly portLevelSettings?: readonly {
    readonly port?: { readonly number?: number };
    readonly tls?: ClientTlsSettings;
  }[];
}

/**
 * What is read of a DestinationRule. The generated type says in unions what may not stand beside what; the compiler
 * takes minutes to compare those.
 */
export interface DestinationRuleSpec {
  readonly host: string;
  readonly exportTo?: readonly string[];
  readonly subsets?: readonly {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly trafficPolicy?: TrafficPolicy;
  }[];
  readonly trafficPolicy?: TrafficPolicy;
  readonly workloadSelector?: { readonly matchLabels?: Readonly<Record<string, string>> };
}
