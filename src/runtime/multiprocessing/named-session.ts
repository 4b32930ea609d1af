/** Tells a traced child under which name the trace is to show it. */
const SESSION_VARIABLE = "HEDDLE_SESSION";

/** The settings of a child with this name; unchanged when there is no trace. */
export function withName<S extends { readonly env: Readonly<Record<string, string | undefined>> }>(
  settings: S,
  name: string,
): S {
  const session = settings.env[SESSION_VARIABLE];
  if (session === undefined) return settings;
  const named = JSON.stringify({ ...(JSON.parse(session) as object), name });
  return { ...settings, env: { ...settings.env, [SESSION_VARIABLE]: named } };
}
