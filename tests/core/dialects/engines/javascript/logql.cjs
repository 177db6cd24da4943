// Answers each query in LogQL with the faults that Grafana's grammar finds.
const { parser } = require("@grafana/lezer-logql");

function answer(query) {
  const faults = [];
  parser.parse(query).iterate({
    enter: (node) => {
      if (node.type.isError) {
        faults.push(`at ${node.from}: ${query.slice(node.from)}`);
      }
    },
  });
  return faults;
}

require("readline")
  .createInterface({ input: process.stdin })
  .on("line", (line) => console.log(JSON.stringify(answer(JSON.parse(line)))));
