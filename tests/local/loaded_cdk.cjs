// The CDK CLI, loaded once. Each line on stdin is a run, {arguments, folder, environment}; each line
// on stdout its end, {failed, written}.
"use strict";

const { createInterface } = require("node:readline");
const { exec } = require(process.argv[2]);

const answer = process.stdout.write.bind(process.stdout);

async function run({ arguments: line, folder, environment }) {
  let written = "";
  process.stdout.write = process.stderr.write = (text, encoding, done = encoding) => {
    written += text;
    if (typeof done === "function") done();
    return true;
  };
  process.chdir(folder);
  process.env = environment;
  try {
    const status = await exec(line);
    return { failed: Boolean(status), written };
  } catch (error) {
    return { failed: true, written: `${written}\n${error.stack}` };
  }
}

(async () => {
  for await (const line of createInterface({ input: process.stdin })) {
    answer(JSON.stringify(await run(JSON.parse(line))) + "\n");
  }
  process.exit();
})();
