import { expect_aligned, expect_divisor, expect_range, expect_sizes } from "./contract";
import { copy_span } from "./span";

/**
 * y[b·N + n, (c·p + i)·p + j] = x[b, c, gy·p + i, gx·p + j], n = gy·(W/p) + gx          non-overlapping p × p patches as
 * rows, their columns in the order of a convolution weight [out, C, p, p]
 *
 * reads     x  f32[B, C, H, W], contiguous
 * writes    y  f32[B·N, C·p·p], contiguous; N = (H/p)·(W/p)
 * requires  patches = B·N; patch divides height and width; 0 ≤ begin ≤ end ≤ patches
 * splits    over patches, anywhere
 * error     none
 */
export function patchify_f32(
  patches: i32,
  channels: i32,
  height: i32,
  width: i32,
  patch: i32,
  x: usize,
  y: usize,
  begin: i32,
  end: i32,
): void {
  expect_range(patches, begin, end);
  expect_aligned(x | y);
  expect_sizes(channels);
  expect_divisor(patch, height);
  expect_divisor(patch, width);
  const across = width / patch;
  const perImage = (height / patch) * across;
  expect_divisor(perImage, patches);
  const rowBytes = (<usize>width) << 2;
  const planeBytes = rowBytes * height;
  const runBytes = (<usize>patch) << 2;
  y += <usize>begin * channels * patch * runBytes;
  for (let at = begin; at < end; at++) {
    const n = at % perImage;
    let plane = x + <usize>(at / perImage) * channels * planeBytes;
    plane += <usize>(n / across) * patch * rowBytes + <usize>(n % across) * runBytes;
    for (let c = 0; c < channels; c++, plane += planeBytes) {
      let from = plane;
      for (let i = 0; i < patch; i++) {
        copy_run(patch, from, y);
        from += rowBytes;
        y += runBytes;
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function copy_run(n: i32, x: usize, y: usize): void {
  // The usual patch sizes, without the call and the loops of copy_span.
  if (n == 16) {
    v128.store(y, v128.load(x));
    v128.store(y, v128.load(x, 16), 16);
    v128.store(y, v128.load(x, 32), 32);
    v128.store(y, v128.load(x, 48), 48);
  } else if (n == 8) {
    v128.store(y, v128.load(x));
    v128.store(y, v128.load(x, 16), 16);
  } else if (n == 4) {
    v128.store(y, v128.load(x));
  } else {
    copy_span(n, x, y);
  }
}
