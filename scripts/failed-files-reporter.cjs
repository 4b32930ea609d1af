/** Mocha's own reporter, which also writes the file of each failed test, one a line, to $HEDDLE_FAILED_FILES. */
const { appendFileSync } = require("node:fs");
const { reporters, Runner } = require("mocha");

module.exports = class FailedFilesReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const list = process.env.HEDDLE_FAILED_FILES;
    if (!list) return;
    runner.on(Runner.constants.EVENT_TEST_FAIL, ({ file }) => appendFileSync(list, `${file ?? "?"}\n`));
  }
};
