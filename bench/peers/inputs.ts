/**
 * Element i of stream `seed`, uniform in [-1, 1): a hash of both, so that every peer makes the same numbers by itself. The
 * values are multiples of 2^-23, exact in single precision. torch_peer.py repeats this.
 */
export function uniform(seed: number, count: number): Float32Array {
  const values = new Float32Array(count);
  const start = Math.imul(seed + 1, 0x85ebca6b);
  for (let i = 0; i < count; i++) {
    let hash = Math.imul(i + 1, 0x9e3779b1) ^ start;
    hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
    hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
    values[i] = ((hash ^ (hash >>> 16)) >>> 8) / 2 ** 23 - 1;
  }
  return values;
}

/** A dense tensor of rank `shape.length` with its axes in the given order, as a dense array. */
export function permuted(values: Float32Array, shape: readonly number[], order: readonly number[]): Float32Array {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const [sizes, steps] = [order.map((axis) => shape[axis]), order.map((axis) => strides[axis])];
  const out = new Float32Array(values.length);
  const index = new Array<number>(sizes.length).fill(0);
  for (let to = 0, from = 0; to < out.length; to++) {
    out[to] = values[from];
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      from += steps[axis];
      if (++index[axis] < sizes[axis]) break;
      from -= steps[axis] * sizes[axis];
      index[axis] = 0;
    }
  }
  return out;
}

/** Square patches of images [B, C, H, W] as rows [B, N, C·p·p], patches row by row. */
export function patches(images: Float32Array, [batch, channels, side]: readonly number[], patch: number): Float32Array {
  const grid = side / patch;
  return permuted(images, [batch, channels, grid, patch, grid, patch], [0, 2, 4, 1, 3, 5]);
}

/** Images [B, H, W, C] as [B, C, H, W], for peers with channels first. */
export function channelsFirst(values: Float32Array, [batch, side, channels]: readonly number[]): Float32Array {
  return permuted(values, [batch, side, side, channels], [0, 3, 1, 2]);
}
