/**
 * Who may know what (DESIGN.md, section 4): read from the imports themselves. A rule that is broken
 * names the file, what it imports, and why it may not.
 *
 * @module
 */

import assert from "node:assert/strict";
import config from "../deno.json" with { type: "json" };

const ROOT = new URL("../", import.meta.url);
const PROGRAMS = ["server.ts", "client.ts"];

interface Rule {
  name: string;
  /** The files that it holds for. */
  from: RegExp;
  /** What they may not import: paths from the root, or names of packages. */
  not: RegExp;
  /** What they may import all the same. */
  but?: RegExp;
}

/**
 * What bytes, names and errors are: files that know nothing of ours but each other. MLS, the vault and
 * the protocol may know them, since a second form of a name, say, would be a second account.
 */
const NEUTRAL = "lib/(?:base64url|errors|folded_name|framing|name_patterns|same_bytes)\\.ts$";

const CRYPTO = /^lib\/(?:fernet\w*\.ts|framing\.ts|protocol\/)/;
const MLS_LIBRARY = /^(?:ts-mls(?:\/|$)|@hpke\/)/;

const RULES: readonly Rule[] = [
  {
    name: "what everyone may know knows nothing",
    from: new RegExp(`^${NEUTRAL}`),
    not: /^lib\//,
    but: new RegExp(`^${NEUTRAL}`),
  },
  {
    name: "crypto knows no chat",
    from: CRYPTO,
    not: /^lib\//,
    but: new RegExp(`^(?:${NEUTRAL}|lib/fernet\\w*\\.ts$|lib/protocol/)`),
  },
  {
    name: "Fernet and frames know no protocol",
    from: /^lib\/(?:fernet\w*|framing)\.ts$/,
    not: /^lib\/protocol\//,
  },
  {
    name: "MLS knows no chat, no wire, no server and no client",
    from: /^lib\/mls\//,
    not: /^lib\//,
    but: new RegExp(`^(?:${NEUTRAL}|lib/mls/)`),
  },
  {
    name: "one folder knows the MLS library",
    from: /^(?!lib\/mls\/)/,
    not: MLS_LIBRARY,
  },
  {
    name: "keys, credentials, policies and rules know no MLS library",
    from: /^lib\/mls\/(?:ed25519|identity|credential|device_keys|room_policy)\.ts$/,
    not: MLS_LIBRARY,
  },
  {
    name: "the server knows no MLS",
    from: /^(?:lib\/(?:server|log)\/|lib\/database|server\.ts)/,
    not: /^lib\/mls\//,
  },
  {
    name: "the log knows no connections",
    from: /^lib\/log\//,
    not: /^lib\/(?:server|client|cli|rooms|auth|delivery|protocol)\//,
  },
  {
    name: "the hub knows no sockets",
    from: /^lib\/server\/(?:hub|seating|commit_parts)\.ts$/,
    not: /^lib\/(?:framing\.ts|protocol\/(?:channel|handshake|record|aead|key_schedule)\.ts)/,
  },
  {
    name: "the hub knows no sessions, and no kind of log",
    from: /^lib\/server\/(?:hub|seating|commit_parts|history|entry_message)\.ts$/,
    not: /^lib\/(?:server\/|database\.ts|log\/sqlite_log\.ts)|^node:(?:net|sqlite)/,
    but: /^lib\/server\/(?:seating|commit_parts|entry_message|history|limits)\.ts$/,
  },
  {
    name: "terminal code knows no protocol bytes, nor anything else of ours",
    from: /^lib\/client\/terminal\//,
    not: /^lib\//,
    but: /^lib\/(?:errors\.ts|client\/terminal\/)/,
  },
  {
    name: "the client knows no server",
    from: /^lib\/client\//,
    not: /^lib\/(?:server|delivery)\//,
  },
  { name: "the server knows no client", from: /^lib\/server\//, not: /^lib\/client\// },
  {
    name: "accounts and rooms know neither server nor client",
    from: /^lib\/(?:auth|rooms)\//,
    not: /^lib\/(?:server|client|cli|log|delivery)\//,
  },
  {
    name: "what is kept for sealed rooms knows no wire beyond its limits, no server and no MLS",
    from: /^lib\/delivery\//,
    not: /^(?!node:sqlite$)/,
    but: /^lib\/(?:delivery\/|(?:errors|database_access|folded_name)\.ts|protocol\/limits\.ts)/,
  },
  {
    name: "the vault knows no wire, no sockets and no chat",
    from: /^lib\/vault\//,
    not: /^lib\/|^node:(?:net|tls|sqlite)/,
    but: new RegExp(
      `^(?:${NEUTRAL}|lib/(?:vault/|mls/|fernet\\.ts|protocol/(?:aead|fields|limits)\\.ts))`,
    ),
  },
  {
    name: "the database knows none of its tables' owners",
    from: /^lib\/database\w*\.ts$/,
    not: /^lib\//,
    but: /^lib\/(?:errors|database\w*)\.ts$/,
  },
  { name: "errors know nothing", from: /^lib\/errors\.ts$/, not: /./ },
  { name: "nobody but the programs joins them", from: /^lib\//, not: /^(?:server|client)\.ts$/ },
  { name: "nothing of the product imports tests", from: /^(?:lib\/|\w+\.ts$)/, not: /^tests\// },
  {
    name: "one file knows the OPAQUE library",
    from: /^lib\/(?!auth\/opaque\.ts$)/,
    not: /^@serenity-kit\/opaque/,
  },
  {
    name: "the client keeps no SQLite",
    from: /^lib\/client\//,
    not: /^(?:node:sqlite$|lib\/database\w*\.ts$|lib\/log\/(?:sqlite_log|messages_table)\.ts$)/,
  },
  { name: "nothing needs JSR or a web server", from: /./, not: /^(?:jsr:|https?:)/ },
];

function withoutComments(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
}

/** The specifiers that a source imports or exports from, examples in comments left out. */
function specifiers(source: string): string[] {
  const code = withoutComments(source);
  const statements = /^(?:import|export)\s+(?:type\s+)?(?:[\w$*{},\s]+?\s+from\s+)?"([^"]+)"/gm;
  const dynamic = /\bimport\(\s*"([^"]+)"/g;
  return [...code.matchAll(statements), ...code.matchAll(dynamic)].map((found) => String(found[1]));
}

function* sources(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(new URL(folder, ROOT))) {
    if (entry.isDirectory) yield* sources(`${folder}${entry.name}/`);
    else if (entry.name.endsWith(".ts")) yield `${folder}${entry.name}`;
  }
}

/** Each file of the product with what it imports: paths from the root, or names of packages. */
function readImports(): Map<string, string[]> {
  const imports = new Map<string, string[]>();
  for (const file of [...PROGRAMS, ...sources("lib/")].sort()) {
    const url = new URL(file, ROOT);
    const resolved = specifiers(Deno.readTextFileSync(url)).map((specifier) =>
      specifier.startsWith(".") ? new URL(specifier, url).href.slice(ROOT.href.length) : specifier
    );
    imports.set(file, resolved);
  }
  return imports;
}

const imports = readImports();

/** Each breach as one line: who, whom, why not. */
function breaches({ name, from, not, but }: Rule, graph: ReadonlyMap<string, string[]>): string[] {
  return [...graph].filter(([file]) => from.test(file)).flatMap(([file, imported]) =>
    imported
      .filter((one) => not.test(one) && !but?.test(one))
      .map((one) => `${file} imports ${one}, but ${name}`)
  );
}

/** The first chain of imports that comes back to where it began. */
function findCycle(graph: ReadonlyMap<string, string[]>): string[] | undefined {
  const done = new Set<string>();
  const visit = (file: string, path: string[]): string[] | undefined => {
    const at = path.indexOf(file);
    if (at >= 0) return [...path.slice(at), file];
    if (done.has(file)) return undefined;
    for (const next of graph.get(file) ?? []) {
      const cycle = visit(next, [...path, file]);
      if (cycle !== undefined) return cycle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of graph.keys()) {
    const cycle = visit(file, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

for (const rule of RULES) {
  Deno.test(`imports: ${rule.name}`, () => {
    assert.ok([...imports.keys()].some((file) => rule.from.test(file)), "it holds for no file");
    assert.deepEqual(breaches(rule, imports), []);
  });
}

Deno.test("imports: there is no cycle", () => {
  assert.equal(findCycle(imports)?.join(" imports "), undefined);
});

Deno.test("imports: every file that is named is there", () => {
  for (const [file, imported] of imports) {
    for (const one of imported.filter((path) => path.startsWith("lib/"))) {
      assert.ok(imports.has(one), `${file} imports ${one}, which is not there`);
    }
  }
});

Deno.test("nothing of the programs goes through console: with OTEL_DENO, Deno would export it", () => {
  for (const file of imports.keys()) {
    const code = withoutComments(Deno.readTextFileSync(new URL(file, ROOT)));
    assert.doesNotMatch(code, /\bconsole\./, file);
  }
});

Deno.test("imports: deno.json takes everything from the npm registry", () => {
  for (const [name, target] of Object.entries(config.imports)) {
    assert.match(target, /^npm:/, `${name} is not`);
  }
});

Deno.test("imports: the check sees every form of import, and nothing in comments", () => {
  const source = [
    'import a from "./a.ts";',
    'import type { B } from "./b.ts";',
    'import {\n  type C,\n  d,\n} from "./c.ts";',
    'import * as e from "./e.ts";',
    'import "./f.ts";',
    'export * from "./g.ts";',
    'export { h } from "./h.ts";',
    'const i = await import("./i.ts");',
    '/**\n * import { no } from "./no.ts";\n */',
    '// import "./no.ts";',
    'export const from = "no";',
  ].join("\n");
  const names = specifiers(source).map((one) => one.slice(2, -3)).sort();
  assert.deepEqual(names, ["a", "b", "c", "e", "f", "g", "h", "i"]);
});

Deno.test("imports: a breach names both files and the rule, a cycle all of its files", () => {
  const graph = new Map([
    ["lib/log/a.ts", ["lib/server/b.ts"]],
    ["lib/server/b.ts", ["lib/log/a.ts", "lib/errors.ts"]],
  ]);
  const rule = RULES.find(({ name }) => name === "the log knows no connections") as Rule;
  assert.deepEqual(breaches(rule, graph), [
    "lib/log/a.ts imports lib/server/b.ts, but the log knows no connections",
  ]);
  assert.deepEqual(findCycle(graph), ["lib/log/a.ts", "lib/server/b.ts", "lib/log/a.ts"]);
});
