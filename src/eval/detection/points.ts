/** A map of the feature pyramid: how large its cells are, and how many there are. */
export interface PyramidLevel {
  /** Side of a cell in pixels of the image. */
  readonly stride: number;
  readonly height: number;
  readonly width: number;
}

/** The centres of all cells of all maps, level by level, each row by row. */
export interface PyramidPoints {
  readonly levels: readonly PyramidLevel[];
  /** Number of the first point of each level, and at the end the number of all. */
  readonly starts: readonly number[];
  /** In pixels of the image. */
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** Stride of the level that a point is on, in pixels. */
  readonly stride: Float64Array;
}

/** Where a dense detector makes its predictions (Tian et al., "FCOS", 2019): the middle of each cell. */
export function pyramidPoints(levels: readonly PyramidLevel[]): PyramidPoints {
  const starts = [0];
  for (const { height, width } of levels) starts.push(starts.at(-1)! + height * width);
  const count = starts.at(-1)!;
  const [x, y, strides] = [new Float64Array(count), new Float64Array(count), new Float64Array(count)];
  levels.forEach(({ stride, height, width }, level) => {
    for (let i = 0; i < height * width; i++) {
      const at = starts[level] + i;
      x[at] = ((i % width) + 0.5) * stride;
      y[at] = (Math.floor(i / width) + 0.5) * stride;
      strides[at] = stride;
    }
  });
  return { levels, starts, x, y, stride: strides };
}

/**
 * The row of a point's prediction among those of a batch, which come level by level and within a level image by image.
 *
 * @param image  number of the image in the batch of `batch` images
 */
export function rowOf({ starts }: PyramidPoints, point: number, image: number, batch: number): number {
  let level = 0;
  while (starts[level + 1] <= point) level++;
  const cells = starts[level + 1] - starts[level];
  return batch * starts[level] + image * cells + (point - starts[level]);
}
