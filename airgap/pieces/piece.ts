/** What a build gets to work with. */
export interface BuildContext {
  /** The key of the piece under construction. */
  readonly key: string;
  /** Empty folder on the cache's disk that becomes the piece when the build succeeds. */
  readonly dir: string;
  /** Empty folder for intermediate files, removed afterwards. */
  readonly scratch: string;
  /** File for the output of commands. */
  readonly log: string;
  /** Folder of a finished piece that this one depends on. */
  readonly piece: (name: string) => string;
  /** Environment of Go commands, with the right toolchain first on PATH. */
  readonly goEnv: Readonly<Record<string, string | undefined>>;
}

/** Something that is built once and kept under the hash of what it is built from. */
export interface Piece {
  readonly name: string;
  /** Files and folders of this repository that it is built from, relative to airgap/. */
  readonly files: readonly string[];
  /** Versions, flags and package lists that it is built from: anything JSON can say. */
  readonly inputs: unknown;
  /** Pieces that it is built from. */
  readonly needs: readonly string[];
  /** Whether the Go toolchain's version is one of its inputs. */
  readonly go: boolean;
  /** What a build takes: cores (0.5 = mostly waits), memory in MiB, seconds on two cores. */
  readonly weight: { readonly cores: number; readonly memory: number; readonly seconds: number };
  readonly build: (context: BuildContext) => Promise<void>;
}
