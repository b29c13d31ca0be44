import * as assert from "uvu/assert";
import { eachPhase } from "../../src/ops/conv-phase.js";
import { type Axis, slidingAxis } from "../../src/ops/window.js";
import { test } from "../support/test.js";

/** Every (source, output, tap) that a window over an axis reads. */
function forwardTriples({ size, outputs, taps, stride, first, step }: Axis): string[] {
  const triples: string[] = [];
  for (let output = 0; output < outputs; output++) {
    for (let tap = 0; tap < taps; tap++) {
      const source = output * stride + first + tap * step;
      if (source >= 0 && source < size) triples.push(`${source} ${output} ${tap}`);
    }
  }
  return triples.sort();
}

/** The same from the phases of its transpose, along rows; and the sources that the phases write. */
function phaseTriples(axis: Axis): { triples: string[]; written: number[] } {
  const one: Axis = { size: 1, outputs: 1, taps: 1, stride: 1, first: 0, step: 1 };
  const triples: string[] = [];
  const written: number[] = [];
  eachPhase([axis, one], ([rows], place, [tapStep]) => {
    for (let i = 0; i < rows.outputs; i++) {
      const source = place.row.first + i * place.row.step;
      written.push(source);
      for (let tap = 0; tap < rows.taps; tap++) {
        const output = i * rows.stride + rows.first + tap * rows.step;
        if (output >= 0 && output < rows.size) triples.push(`${source} ${output} ${place.tapRow - tap * tapStep}`);
      }
    }
  });
  return { triples: triples.sort(), written: written.sort((a, b) => a - b) };
}

test("phases read each pair of output and tap that saw a source, once, and write each source once", () => {
  for (const taps of [1, 2, 3, 7]) {
    for (const stride of [1, 2, 3, 4]) {
      for (const dilation of [1, 2, 3]) {
        for (const padding of [0, 1, 3]) {
          const axis = slidingAxis("conv2d", 20, { taps, stride, padding, dilation });
          const { triples, written } = phaseTriples(axis);
          assert.equal(triples, forwardTriples(axis), `${taps} taps, stride ${stride}, dilation ${dilation}`);
          assert.equal(written, [...Array(20).keys()]);
        }
      }
    }
  }
});

test("phases multiply no inserted zeros: their taps together are the window's", () => {
  const axis = slidingAxis("conv2d", 12, { taps: 7, stride: 3, padding: 2, dilation: 1 });
  const one: Axis = { size: 1, outputs: 1, taps: 1, stride: 1, first: 0, step: 1 };
  let taps = 0;
  eachPhase([axis, one], ([rows]) => {
    taps += rows.taps;
  });
  assert.is(taps, 7);
});

test("an image smaller than the stride has as many phases as pixels", () => {
  const axis = slidingAxis("conv2d", 2, { taps: 2, stride: 5, padding: 0, dilation: 1 });
  assert.equal(phaseTriples(axis).written, [0, 1]);
});
