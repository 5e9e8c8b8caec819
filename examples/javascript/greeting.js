// Keeps the greeting of each `Greeting` in a `ConfigMap`.

import cluster from "capstan:provider/cluster@0.1.0";
import log from "capstan:provider/log@0.1.0";
import definition from "../definition.json" with { type: "json" };
import needs from "../needs.json" with { type: "json" };

export const describe = {
  describe: () => ({
    name: "greeting-javascript",
    version: "0.1.0",
    kinds: [
      {
        kind: { apiVersion: "examples.capstan.dev/v1alpha1", kind: "Greeting" },
        definition: JSON.stringify(definition),
        // The ConfigMap's name follows from the object's: after a crash, `observe` finds what was created.
        recoverable: true,
      },
    ],
    needs: JSON.stringify(needs),
    configSchema: null,
  }),
};

export const external = {
  connect() {},

  observe(managed) {
    const { target, text } = greeting(managed);
    const actual = find(target);
    const kept = actual?.data?.greeting ?? null;
    const differences =
      kept === text
        ? []
        : [{ path: "data.greeting", desired: JSON.stringify(text), actual: JSON.stringify(kept) }];
    return {
      exists: actual !== null,
      upToDate: differences.length === 0,
      differences,
      lateInitialize: null,
      status: actual && status(kept),
      readiness: { tag: actual ? "ready" : "unknown" },
      externalName: null,
    };
  },

  create(managed) {
    const status = write(greeting(managed));
    return { externalName: null, annotations: [], status };
  },

  update(managed) {
    return { status: write(greeting(managed)) };
  },

  delete(managed) {
    found(() => cluster.delete(greeting(managed).target));
  },

  disconnect() {},
};

/** Who is greeted, how, and in which ConfigMap. */
function greeting(managed) {
  const { metadata, spec } = JSON.parse(managed);
  const target = {
    apiVersion: "v1",
    kind: "ConfigMap",
    namespace: metadata.namespace,
    name: `greeting-${metadata.name}`,
  };
  return { target, who: spec.name, text: `Hello, ${spec.name}!` };
}

function find(target) {
  const json = found(() => cluster.get(target));
  return json === null ? null : JSON.parse(json);
}

/** Writes the ConfigMap, and gives the status that the Greeting has then. */
function write({ target, who, text }) {
  if (who === "nobody") {
    throw terminal("NobodyToGreet", "spec.name is nobody: name somebody");
  }
  const fields = JSON.stringify({ data: { greeting: text } });
  attempt(() => cluster.patch(target, "apply", fields, { subresource: null, force: true, dryRun: false }));
  log.write("info", "wrote a greeting", [["configMap", target.name]]);
  return status(text);
}

const status = (greeting) => JSON.stringify({ greeting });

/** What a call to the cluster gives; null if there is no such object. */
function found(call) {
  try {
    return call();
  } catch (error) {
    if (error.payload?.tag === "not-found") return null;
    throw failure(error);
  }
}

function attempt(call) {
  try {
    return call();
  } catch (error) {
    throw failure(error);
  }
}

/** What the host is to do about it: content that is refused is refused again, anything else may pass. */
function failure(error) {
  const { tag, val } = error.payload ?? {}; // What the function of the contract returned as its error.
  switch (tag) {
    case "invalid":
      return terminal("Invalid", `the API server refuses the content: ${val}`);
    case "conflict":
      return retryable("Conflict", `conflict: ${val.message}`);
    case "not-found":
      return retryable("NotFound", `not found: ${val}`);
    case "denied":
      return retryable("Denied", `denied: ${val}`);
    case "unavailable":
      return retryable("Unavailable", `the API server is not available: ${val}`);
    default:
      return error; // None of the cluster's: a mistake here, which ends the call.
  }
}

const terminal = (reason, message) => ({ tag: "terminal", val: { reason, message } });
const retryable = (reason, message) => ({ tag: "retryable", val: { reason, message } });
