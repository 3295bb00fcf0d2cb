/** A stack that violates what some rules are about, and what the engine has to tell of it. */
export interface BadStack {
  /** Rules whose failing case is part of it, so that they are violated. */
  readonly cases: readonly string[];
  /** Other rules that these cases violate as well. */
  readonly brought: readonly string[];
  /** How often, where it is more than once. */
  readonly often: Readonly<Record<string, number>>;
}

const words = (text: string) => text.trim().split(/\s+/);

/**
 * Few stacks, and in one of them each rule. Written down, not computed: a rule that goes blind is missing here. What one
 * rule misses in the first, another's case brings, so that it is alone in the second.
 */
export const badStacks: readonly BadStack[] = [
  {
    cases: words(`
      mesh-01 mesh-03 mesh-04 mesh-05 mesh-06 mesh-07 mesh-08 mesh-09 mesh-10 mesh-11 mesh-12
      id-01 id-02
      az-01 az-02 az-03 az-04 az-05 az-06 az-07 az-08 az-09 az-10 az-12
      jwt-01 jwt-02 jwt-03 jwt-04 jwt-05 jwt-07
      gw-01 gw-02 gw-03 gw-03a gw-04 gw-05 gw-06 gw-08 gw-09 gw-10 gw-11
      pki-01 pki-02 pki-03 pki-04 pki-04a pki-05 pki-06
      tf-02 tf-03 tf-04
      obs-02
      wl-01 wl-02 wl-03 wl-04 wl-05 wl-06
      ist-01 ist-02 ist-03 ist-04
    `),
    brought: [],
    often: {
      "mesh-04": 2,
      "mesh-11": 4,
      "id-01": 14,
      "id-02": 4,
      "az-02": 7,
      "az-04": 2,
      "az-05": 9,
      "az-09": 6,
      "jwt-04": 7,
      "gw-02": 3,
      "gw-03a": 7,
      "gw-04": 3,
      "gw-06": 2,
      "pki-06": 3,
      "tf-04": 4,
      "wl-01": 3,
      "wl-02": 2,
      "wl-03": 14,
      "wl-04": 27,
      "wl-05": 12,
      "ist-01": 2,
      "ist-03": 4,
      "ist-04": 13,
    },
  },
  {
    cases: words(`
      mesh-02
      id-03
      az-11
      jwt-06
      gw-07
      dep-01
    `),
    brought: words(`
      mesh-01 mesh-12
      id-01 id-02
      az-01 az-02
      jwt-04
      gw-03a gw-04 gw-08
      tf-04
      wl-02 wl-03 wl-06
      ist-04
    `),
    often: { "id-02": 2, "gw-08": 2, "tf-04": 2, "wl-02": 2 },
  },
];
