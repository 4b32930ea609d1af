/** The shared public types, as the core's siblings import them. */
export type * from "../types.js";
