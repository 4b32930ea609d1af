export { type AnalysedFile, analyseFile } from "./analyse-file.js";
export { jsonReport } from "./report/json-report.js";
export type { JsonReport } from "./report/report-types.js";
export { findStandstill, standstillText } from "./report/standstill.js";
export { textReport } from "./report/text-report.js";
export { TraceBuilder } from "./trace-builder.js";
