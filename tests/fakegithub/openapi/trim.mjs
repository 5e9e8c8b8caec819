// Cuts GitHub's OpenAPI description to the operations in operations.txt, and the recorded exchanges to the ones that
// touch them: writes description.json and ../recordings/*.json, with the licences of both packages.
//
//     node trim.mjs            fetches the packages named below with npm; the result is the same on every machine
//
// Left out: prose, examples and vendor extensions, which say nothing that a validator could check. Nothing is reworded.

import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const DESCRIPTION = "@octokit/openapi@23.0.2";
const RECORDINGS = "@octokit/fixtures@23.1.2";
const SCENARIOS = [
  "add-and-remove-repository-collaborator",
  "branch-protection",
  "create-file",
  "get-content",
  "get-organization",
  "get-repository",
  "rename-repository",
];
const PROSE = new Set(["description", "summary", "example", "examples", "externalDocs", "title", "tags", "deprecated"]);

const here = dirname(fileURLToPath(import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "trim-"));

function unpack(name) {
  const archive = execFileSync("npm", ["pack", "--silent", name], { cwd: scratch, encoding: "utf8" }).trim();
  const folder = join(scratch, archive.replace(".tgz", ""));
  mkdirSync(folder);
  execFileSync("tar", ["xzf", join(scratch, archive), "-C", folder]);
  return join(folder, "package");
}

/** The value without prose. A member of `properties` is a name of GitHub's, whatever it is called. */
function bare(value, names = false) {
  if (Array.isArray(value)) return value.map((each) => bare(each));
  if (value === null || typeof value !== "object") return value;
  const kept = Object.entries(value).filter(([key]) => names || !(PROSE.has(key) || key.startsWith("x-")));
  return Object.fromEntries(kept.map(([key, each]) => [key, bare(each, !names && key === "properties")]));
}

function references(value, found) {
  if (Array.isArray(value)) value.forEach((each) => references(each, found));
  else if (value !== null && typeof value === "object") {
    if (typeof value.$ref === "string") found.push(value.$ref);
    Object.values(value).forEach((each) => references(each, found));
  }
  return found;
}

function trimDescription(whole, wanted) {
  const paths = {};
  for (const [path, item] of Object.entries(whole.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      if (!wanted.delete(operation.operationId)) continue;
      const documentation = operation.externalDocs.url;
      (paths[path] ??= {})[method] = { ...bare(operation), externalDocs: { url: documentation } };
    }
  }
  if (wanted.size) throw new Error(`not described: ${[...wanted].join(", ")}`);
  const components = {};
  const open = references(paths, []);
  open.push("#/components/schemas/basic-error", "#/components/schemas/validation-error");
  for (let reference; (reference = open.pop()); ) {
    const [, , kind, name] = reference.split("/");
    if (components[kind]?.[name]) continue;
    const part = bare(whole.components[kind][name]);
    (components[kind] ??= {})[name] = part;
    references(part, open);
  }
  for (const kind of Object.keys(components)) {
    components[kind] = Object.fromEntries(Object.entries(components[kind]).sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  return { openapi: whole.openapi, info: { title: whole.info.title, version: whole.info.version }, paths, components };
}

try {
  const lines = readFileSync(join(here, "operations.txt"), "utf8").split("\n");
  const wanted = new Set(lines.filter((line) => line && !line.startsWith("#")));
  const description = unpack(DESCRIPTION);
  const whole = JSON.parse(readFileSync(join(description, "generated/api.github.com.json"), "utf8"));
  writeFileSync(join(here, "description.json"), JSON.stringify(trimDescription(whole, wanted), null, 1) + "\n");
  cpSync(join(description, "LICENSE"), join(here, "LICENSE"));

  const recordings = unpack(RECORDINGS);
  const target = join(here, "../recordings");
  for (const scenario of SCENARIOS) {
    const file = join(recordings, "scenarios/api.github.com", scenario, "normalized-fixture.json");
    const exchanges = JSON.parse(readFileSync(file, "utf8"));
    const kept = exchanges.map(({ method, path, body, status, response, headers, reqheaders }) => ({
      method, path, accept: reqheaders.accept, body, status, headers: Object.keys(headers).sort(), response,
    }));
    writeFileSync(join(target, `${scenario}.json`), JSON.stringify(kept, null, 1) + "\n");
  }
  cpSync(join(recordings, "LICENSE.md"), join(target, "LICENSE"));
} finally {
  rmSync(scratch, { recursive: true });
}
