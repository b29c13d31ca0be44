import * as assert from "uvu/assert";
import { toChannels } from "../../src/data/channels.js";
import { DataError } from "../../src/errors.js";
import { test } from "../support/test.js";

test("grey is repeated into three channels", () => {
  const grey = { width: 1, height: 2, channels: 1, data: Uint8Array.of(7, 255) };
  assert.equal(toChannels(grey, 3), { width: 1, height: 2, channels: 3, data: Uint8Array.of(7, 7, 7, 255, 255, 255) });
});

test("colour becomes the luma that Pillow computes, and white stays white", () => {
  const data = Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 10, 20, 30);
  assert.equal([...toChannels({ width: 5, height: 1, channels: 3, data }, 1).data], [76, 150, 29, 255, 18]);
});

test("an image that has the channels is passed on, one with another number refused", () => {
  const image = { width: 1, height: 1, channels: 3, data: Uint8Array.of(1, 2, 3) };
  assert.is(toChannels(image, 3), image);
  assert.throws(
    () => toChannels({ ...image, channels: 4 }, 3),
    (error: Error) => error instanceof DataError && /3 channels of 4/.test(error.message),
  );
});
