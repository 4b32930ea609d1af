module.exports = { require: ["tsx/cjs"], extension: ["ts"], timeout: 60_000, slow: 5_000, failZero: true };
