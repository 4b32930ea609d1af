/** A plain child process: answers [id, value]. */
const echo = require("./echo.cjs");

process.on("message", ([id, value]) => process.send([id, echo(value)]));
