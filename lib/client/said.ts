/**
 * How what people say looks in a terminal.
 *
 * @module
 */

import type { FoundEvent, MessageEvent } from "./events.ts";
import { calendarDate, clockTime, placeOf } from "./output.ts";
import type { Segment, Style } from "./terminal/style.ts";

/** How the parts of a message look. */
export interface SaidStyles {
  name: Style;
  /** Plain if not given. */
  words?: Style;
}

/** Who says what, `alice: hello`, or does what, `* alice waves`. */
export function saidSegments(
  { sender, text, action }: Pick<MessageEvent, "sender" | "text" | "action">,
  { name, words }: SaidStyles,
): Segment[] {
  const plain = (part: string): Segment => ({
    text: part,
    ...(words === undefined ? {} : { style: words }),
  });
  const who: Segment = { text: sender, style: name };
  return action ? [plain("* "), who, plain(` ${text}`)] : [who, plain(`: ${text}`)];
}

/**
 * A message that was found, dim, with its day, and its room unless that is `home`; what was looked for
 * stands out.
 */
export function foundSegments(event: FoundEvent, home: string | undefined): Segment[] {
  const { sender, sent_at, action } = event;
  const time = `[${calendarDate(sent_at)} ${clockTime(sent_at)}]`;
  const where = placeOf(event, home);
  const who = action ? `* ${sender} ` : `${sender}: `;
  return [{ text: `${time} ${where}${who}`, style: "dim" }, ...highlighted(event)];
}

function highlighted({ text, matches }: FoundEvent): Segment[] {
  const segments: Segment[] = [];
  let at = 0;
  for (const [start, end] of matches) {
    segments.push({ text: text.slice(at, start), style: "dim" });
    segments.push({ text: text.slice(start, end), style: "brightYellow" });
    at = end;
  }
  segments.push({ text: text.slice(at), style: "dim" });
  return segments.filter(({ text }) => text !== "");
}
