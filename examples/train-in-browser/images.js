/** Longest side of an image in pixels: crops are 32 pixels wide, more would be thrown away. */
const LONGEST_SIDE = 96;

/**
 * The picture in a file.
 *
 * @param {Blob} file  of any format that the browser shows
 * @returns {Promise<HTMLCanvasElement>}
 */
export async function pictureOf(file) {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = canvasOf(Math.ceil(bitmap.width * scale), Math.ceil(bitmap.height * scale));
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas;
}

/**
 * Shapes of many colours: discs, squares and triangles by turns.
 *
 * @param {number} count
 * @returns {HTMLCanvasElement[]}
 */
export function drawShapes(count) {
  return Array.from({ length: count }, (_, i) => {
    const canvas = canvasOf(48, 48);
    const context = canvas.getContext("2d");
    context.fillStyle = `hsl(${(i * 137) % 360} 30% 25%)`;
    context.fillRect(0, 0, 48, 48);
    context.fillStyle = `hsl(${(i * 89) % 360} 80% 65%)`;
    const [x, y, size] = [18 + ((i * 7) % 13), 18 + ((i * 5) % 13), 8 + ((i * 3) % 9)];
    context.beginPath();
    if (i % 3 === 0) context.arc(x, y, size, 0, 2 * Math.PI);
    else if (i % 3 === 1) context.rect(x - size, y - size, 2 * size, 2 * size);
    else for (const angle of [0, 2, 4]) context.lineTo(x + size * Math.sin(angle), y - size * Math.cos(angle));
    context.fill();
    return canvas;
  });
}

/**
 * What `imageArray` of poa/pretrain takes: three bytes a pixel.
 *
 * @param {HTMLCanvasElement} canvas
 */
export function rgbOf(canvas) {
  const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const rgb = new Uint8Array(3 * width * height);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) rgb.set(data.subarray(from, from + 3), to);
  return { width, height, channels: 3, data: rgb };
}

function canvasOf(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}
