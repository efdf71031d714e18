/**
 * QR codes on a terminal, for a phone or another computer's camera.
 *
 * @module
 */

import { encodeQR } from "qr";

/** Modules around the code that stay white (ISO/IEC 18004 section 6.3.8). */
const QUIET_ZONE = 4;

/**
 * Black on white whatever the terminal's own colours are: 16 and 231 of the 256 colours are the same
 * in all themes, which the first 16 are not.
 */
const BLACK_ON_WHITE = "\x1b[38;5;16;48;5;231m";
const AS_BEFORE = "\x1b[0m";

/** Characters by which of the upper and the lower half is black. */
const HALVES = [" ", "▄", "▀", "█"] as const;

/**
 * A text as the lines of a QR code, each character two modules high, about square in most fonts.
 * Error correction is the least (level L): a screen has no scratches, and fewer modules are larger.
 *
 * @param columns the terminal's width.
 * @returns `undefined` if that is too narrow: a code that is broken over lines cannot be read.
 */
export function drawQrCode(text: string, columns: number): string[] | undefined {
  const modules = encodeQR(text, "raw", { ecc: "low", border: QUIET_ZONE });
  if (modules.length > columns) return undefined;
  const lines: string[] = [];
  for (let row = 0; row < modules.length; row += 2) {
    const [upper = [], lower = []] = [modules[row], modules[row + 1]];
    const halves = upper.map((black, at) => HALVES[(black ? 2 : 0) + (lower[at] ? 1 : 0)]);
    lines.push(`${BLACK_ON_WHITE}${halves.join("")}${AS_BEFORE}`);
  }
  return lines;
}
