/**
 * Cuts arrays, laid one after the other, into buckets of at most `capacity` numbers.
 *
 * @returns for each bucket the parts of arrays that fill it
 */
export function* buckets(arrays: readonly Float32Array[], capacity: number): Generator<Float32Array[]> {
  let bucket: Float32Array[] = [];
  let room = capacity;
  for (const array of arrays) {
    for (let begin = 0; begin < array.length; ) {
      const part = array.subarray(begin, begin + room);
      bucket.push(part);
      begin += part.length;
      room -= part.length;
      if (room > 0) continue;
      yield bucket;
      [bucket, room] = [[], capacity];
    }
  }
  if (bucket.length > 0) yield bucket;
}
