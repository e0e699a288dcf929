// Whether a model's output is the one call that is right: `context.config` holds the tool, and for each
// argument the values that are accepted and whether it may be left out.
"use strict";

module.exports = (output, context) => {
  const { tool, accepted } = context.config;
  const calls = callsIn(output);
  const fail = (reason) => ({ pass: false, score: 0, reason });
  if (calls.length !== 1) return fail(`${calls.length} calls, not the one of ${tool}`);
  const [call] = calls;
  if (call.name !== tool) return fail(`${call.name} is called, not ${tool}`);
  if (call.given === null || typeof call.given !== "object") return fail("its arguments are no JSON object");
  for (const [name, value] of Object.entries(call.given)) {
    if (!Object.hasOwn(accepted, name)) return fail(`${name} must not be given`);
    if (!accepted[name].values.some((each) => same(each, value)))
      return fail(`${name} is ${JSON.stringify(value)}, not ${JSON.stringify(accepted[name].values[0])}`);
  }
  for (const [name, { optional }] of Object.entries(accepted))
    if (!optional && !Object.hasOwn(call.given, name)) return fail(`${name} is missing`);
  return { pass: true, score: 1, reason: `${tool} as it should be` };
};

// Chat completions, the Responses API and Messages each have calls of their own; text may hold them as JSON.
function callsIn(output) {
  if (typeof output === "string") return texts(output).flatMap((each) => callsIn(each));
  if (Array.isArray(output)) return output.flatMap((each) => callsIn(each));
  if (output === null || typeof output !== "object") return [];
  if (output.tool_calls) return callsIn(output.tool_calls);
  if (output.function) return [{ name: output.function.name, given: parsed(output.function.arguments) }];
  if (output.type === "function_call") return [{ name: output.name, given: parsed(output.arguments) }];
  if (output.type === "tool_use") return [{ name: output.name, given: output.input }];
  return [];
}

function texts(output) {
  const whole = parsed(output);
  if (whole !== null) return typeof whole === "object" ? [whole] : [];
  return output
    .split(/\n+/)
    .map(parsed)
    .filter((each) => each !== null && typeof each === "object");
}

function parsed(value) {
  if (typeof value !== "string") return value ?? null;
  try {
    return JSON.parse(value);
  } catch {
    return null;
  }
}

function same(one, other) {
  if (one === null || other === null || typeof one !== "object" || typeof other !== "object") return one === other;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && same(one[key], other[key]))
  );
}
