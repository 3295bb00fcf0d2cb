import { rowsOf } from "../../../verify/rows.ts";
import type { World, WorldArgs } from "../../../verify/worlds/world.ts";

/** Rows of the catalogue that a world asks. */
export function askedRows(world: World, args: WorldArgs): string[] {
  const asked = world
    .steps(args)
    .flatMap((step) =>
      step
        .asks()
        .flatMap(({ settings, probes }) =>
          probes
            .filter((p) => p.applies(settings))
            .flatMap((p) =>
              (p.each?.(settings) ?? [""]).flatMap((item) => rowsOf(p, settings, item)),
            ),
        ),
    );
  return [...new Set(asked)];
}
