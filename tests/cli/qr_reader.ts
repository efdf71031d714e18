/**
 * Reads QR codes that are drawn with half blocks, as a camera would.
 *
 * @module
 */

import { decodeQR } from "qr/decode.js";

/** Pixels a side of a module, as on a small font. */
const SCALE = 4;

/** Modules of white around what is read: a screen's text has lost its blanks. */
const MARGIN = 4;

/** The two rows of dots that a line of half blocks shows: which are black. */
export function dotsOf(line: string): [upper: boolean[], lower: boolean[]] {
  const dots = (black: string): boolean[] => [...line].map((one) => black.includes(one));
  return [dots("▀█"), dots("▄█")];
}

/** The text of a code, by its rows of dots. */
export function readQrCode(rows: readonly boolean[][]): string {
  const columns = Math.max(...rows.map(({ length }) => length));
  const [width, height] = [columns, rows.length].map((size) => (size + 2 * MARGIN) * SCALE);
  const image = { width: width as number, height: height as number };
  const data = new Uint8Array(image.width * image.height * 4).fill(255);
  for (let y = 0; y < image.height; y += 1) {
    for (let x = 0; x < image.width; x += 1) {
      const [row, column] = [y, x].map((at) => Math.floor(at / SCALE) - MARGIN);
      if (!rows[row as number]?.[column as number]) continue;
      const at = (y * image.width + x) * 4;
      data.fill(0, at, at + 3);
    }
  }
  return decodeQR({ ...image, data });
}
