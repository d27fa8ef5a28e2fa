/** A stream of bytes with a name: a file, standard input, or bytes in memory; already decompressed. */
export interface Source {
  /** Shown in messages: file name, or `<stdin>`. */
  readonly name: string
  /** Path on disk when the source is a plain uncompressed file, so that an adapter may seek in it. */
  readonly path?: string
  /** Size in bytes when known, for progress. */
  readonly size?: number
  /** To be told how many bytes were read so far by an adapter that reads the file at {@link path} itself. */
  readonly progress?: (read: number) => void
  /** The bytes from the beginning. May be called once. */
  bytes(): AsyncIterable<Uint8Array>
}
