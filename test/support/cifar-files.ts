/** Deterministic bytes that differ between records, planes and positions. */
export function cifarSample(record: number, plane: number, position: number): number {
  return (record * 31 + plane * 101 + position * 7) & 0xff;
}

/**
 * A file in the CIFAR binary layout: per record the label bytes, then 1,024 red, 1,024 green, 1,024 blue.
 *
 * @param labels  label bytes of each record: [class] for CIFAR-10, [coarse, fine] for CIFAR-100
 * @param first  number of the first record, from which `cifarSample` counts
 */
export function cifarFile(labels: readonly (readonly number[])[], first = 0): Uint8Array {
  const records = labels.map((bytes, r) => {
    const planes = Array.from({ length: 3072 }, (_, i) => cifarSample(first + r, Math.floor(i / 1024), i % 1024));
    return Uint8Array.from([...bytes, ...planes]);
  });
  return Buffer.concat(records);
}
