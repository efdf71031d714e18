/**
 * Comma-separated values, RFC 4180, for spreadsheets.
 *
 * @module
 */

/** What a spreadsheet takes for a formula's beginning (OWASP, "CSV Injection"). */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;

/**
 * One record without its final line feed. Every text is quoted, with its quotes doubled (RFC 4180
 * section 2, rules 5 to 7); `null` is an empty field.
 *
 * A text that a spreadsheet would run as a formula gets a `'` before it: members write texts, and
 * somebody else opens them. JSON lines are the exact form.
 */
export function csvLine(fields: readonly (string | number | null)[]): string {
  return `${fields.map(csvField).join(",")}\r`;
}

function csvField(field: string | number | null): string {
  if (field === null) return "";
  if (typeof field === "number") return String(field);
  const text = FORMULA.test(field) ? `'${field}` : field;
  return `"${text.replaceAll('"', '""')}"`;
}
